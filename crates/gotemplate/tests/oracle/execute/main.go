// Executes the templates of ../data/cases.json with Go's own text/template and writes what comes
// out, or the error, to ../data/golden.json. The data and functions are those of support/mod.rs.
//
//	cd tests/oracle && go run ./execute
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
	"unicode/utf8"
)

type Values map[string]any

func (v Values) Table(name string) (map[string]any, error) {
	table, ok := v[name].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%q is not a table", name)
	}
	return table, nil
}

type Set []string

func (s Set) Has(name string) bool {
	for _, element := range s {
		if element == name {
			return true
		}
	}
	return false
}

type Files map[string][]byte

type Version struct {
	Version, Major string
	hidden         int
}

func (v *Version) String() string          { return "version " + v.Version }
func (v Version) Plus(n int) string        { return fmt.Sprint(v.Version, "+", n) }
func (v *Version) Join(s ...string) string { return v.Version + strings.Join(s, "-") }

type Caps struct {
	KubeVersion Version
	Sets        Set
	Any         any
	Next        *Caps
}

type Duration int64

func (d Duration) String() string { return fmt.Sprintf("%ds", int64(d)) }

type Plain struct {
	A int
	B any
	C []string
}

func funcs(set **template.Template) template.FuncMap {
	return template.FuncMap{
		"upper":  strings.ToUpper,
		"repeat": func(n int, s string) string { return strings.Repeat(s, n) },
		"list":   func(v ...any) []any { return v },
		"strs":   func(v ...string) []string { return v },
		"typeOf": func(v any) string { return fmt.Sprintf("%T", v) },
		"dict": func(v ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i+1 < len(v); i += 2 {
				m[fmt.Sprint(v[i])] = v[i+1]
			}
			return m
		},
		"set":      func(m map[string]any, k string, v any) map[string]any { m[k] = v; return m },
		"wantMap":  func(m map[string]any) string { return fmt.Sprint(len(m)) },
		"wantList": func(l []any) string { return fmt.Sprint(len(l)) },
		"wantStrs": func(l []string) string { return strings.Join(l, "+") },
		"wantBool": func(b bool) bool { return b },
		"i8":       func(v int8) int8 { return v },
		"i64":      func(v int64) int64 { return v },
		"u8":       func(v uint8) uint8 { return v },
		"u32":      func(v uint32) uint32 { return v },
		"u64":      func(v uint64) uint64 { return v },
		"f32":      func(v float32) float32 { return v },
		"f64":      func(v float64) float64 { return v },
		"c128":     func(v complex128) complex128 { return v },
		"bytes":    func(s string) []byte { return []byte(s) },
		"raw": func(b ...int) string {
			var s []byte
			for _, c := range b {
				s = append(s, byte(c))
			}
			return string(s)
		},
		"nilAny":  func() any { return nil },
		"nilMap":  func() map[string]any { return nil },
		"nilList": func() []any { return nil },
		"one":     func() any { return 1 },
		"fail":    func(s string) (string, error) { return "", fmt.Errorf("%s", s) },
		"assert":  func(v any) string { return v.(string) },
		"at":      func(l []any, i int) any { return l[i] },
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := (*set).ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"tpl": func(text string, data any) (string, error) {
			outer := *set
			clone, err := outer.Clone()
			if err != nil {
				return "", err
			}
			if _, err := clone.New("inline").Parse(text); err != nil {
				return "", fmt.Errorf("cannot parse %q: %w", text, err)
			}
			*set = clone
			defer func() { *set = outer }()
			var b strings.Builder
			if err := clone.ExecuteTemplate(&b, "inline", data); err != nil {
				return "", fmt.Errorf("tpl failed for %q: %w", text, err)
			}
			return b.String(), nil
		},
	}
}

func data() map[string]any {
	caps := &Caps{
		KubeVersion: Version{"v1.37.0", "1", 7},
		Sets:        Set{"v1", "apps/v1"},
		Next:        &Caps{Any: "inner"},
	}
	return map[string]any{
		"s": "abc", "é": "accent", "empty": "", "num": 80.0, "int": 3, "i64": int64(7),
		"big": 12345678.0, "half": 0.5, "yes": true, "no": false, "nil": nil,
		"list":  []any{"a", 1, 2.5, nil, true},
		"strs":  []string{"x", "y"},
		"bytes": []byte("hi"),
		"m":     map[string]any{"b": 1, "a": []any{"x", 2.5}, "B": nil, "10": 3, "9": map[string]any{"k": "v"}},
		"sm":    map[string]string{"k": "v"},
		"nest":  map[string]any{"a": map[string]any{"b": map[string]any{"c": "deep"}}},
		"e":     map[string]any{}, "el": []any{},
		"Values": Values{"Table": "t", "m": map[string]any{"a": 1}},
		"Files":  Files{"a.txt": []byte("zz")},
		"caps":   caps, "ver": caps.KubeVersion, "nilcaps": (*Caps)(nil),
		"dur": Duration(90), "plain": Plain{1, nil, []string{"p"}}, "pplain": &Plain{2, "x", nil},
		"fn":     func(a int, b string) string { return fmt.Sprint(a, b) },
		"vfn":    func(a ...string) (string, error) { return "", fmt.Errorf("got %d", len(a)) },
		"seq":    func(yield func(int) bool) { _ = yield(5) && yield(6) },
		"seq2":   func(yield func(string, int) bool) { _ = yield("p", 1) && yield("q", 2) },
		"quoted": "<a href=\"x\">'&'</a>", "uni": "日本\u200b\t😀",
	}
}

type result struct {
	Template any    `json:"template"`
	Output   string `json:"output,omitempty"`
	Bytes    []byte `json:"bytes,omitempty"`
	Error    string `json:"error,omitempty"`
}

// run parses the files of a case, each a name and a text, and executes the one called "t".
func run(files [][2]string, missing string) (string, error) {
	var set *template.Template
	set = template.New("set").Option("missingkey=" + missing)
	set.Funcs(funcs(&set))
	for _, file := range files {
		if _, err := set.New(file[0]).Parse(file[1]); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	err := set.ExecuteTemplate(&out, "t", data())
	return out.String(), err
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	text, err := os.ReadFile("../data/cases.json")
	must(err)
	var cases map[string][]any
	must(json.Unmarshal(text, &cases))
	golden := map[string][]result{}
	for missing, templates := range cases {
		results := []result{}
		for _, one := range templates {
			files := [][2]string{}
			if text, ok := one.(string); ok {
				files = append(files, [2]string{"t", text})
			} else {
				for _, file := range one.([]any) {
					pair := file.([]any)
					files = append(files, [2]string{pair[0].(string), pair[1].(string)})
				}
			}
			out, err := run(files, missing)
			r := result{Template: one}
			switch {
			case err != nil:
				r.Error = err.Error()
			case utf8.ValidString(out):
				r.Output = out
			default:
				r.Bytes = []byte(out)
			}
			results = append(results, r)
		}
		golden[missing] = results
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	must(encoder.Encode(golden))
	must(os.WriteFile("../data/golden.json", out.Bytes(), 0o644))
}
