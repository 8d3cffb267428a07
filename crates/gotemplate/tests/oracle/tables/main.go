// Writes src/unicode/tables.rs: the code points Go calls printable, letters and digits.
//
//	go run ./tables > ../../src/unicode/tables.rs && rustfmt --edition 2024 ../../src/unicode/tables.rs
package main

import (
	"fmt"
	"runtime"
	"strconv"
	"unicode"
)

func table(name, doc string, in func(rune) bool) {
	fmt.Printf("\n/// %s\npub(super) const %s: &[u32] = &[", doc, name)
	inside := false
	for r := rune(0x80); r <= unicode.MaxRune+1; r++ {
		if now := r <= unicode.MaxRune && in(r); now != inside {
			fmt.Printf("0x%x, ", r)
			inside = now
		}
	}
	fmt.Println("];")
}

func main() {
	fmt.Printf("//! Written by `tests/oracle/tables` from %s (Unicode %s); do not edit.\n", runtime.Version(), unicode.Version)
	fmt.Println("//!\n//! Each table holds, from U+0080 on, the code points at which membership begins and ends, in turn.")
	table("PRINTABLE", "Go's `strconv.IsPrint`.", strconv.IsPrint)
	table("LETTER", "Go's `unicode.IsLetter`.", unicode.IsLetter)
	table("DIGIT", "Go's `unicode.IsDigit`.", unicode.IsDigit)
}
