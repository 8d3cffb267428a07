//! YAML with colours, line by line, as markup. It colours what it recognises and never fails.

use std::fmt::Write as _;

/// One line of YAML as markup: keys, comments and plain values told apart.
pub(crate) fn yaml_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 40);
    let trimmed = line.trim_start();
    out.push_str(&line[..line.len() - trimmed.len()]);
    if trimmed.starts_with('#') {
        run(&mut out, "c", trimmed);
        return out;
    }
    let mut rest = trimmed;
    while let Some(item) = rest.strip_prefix("- ") {
        out.push_str("- ");
        let indented = item.trim_start();
        out.push_str(&item[..item.len() - indented.len()]);
        rest = indented;
    }
    match key_end(rest) {
        Some(end) => {
            run(&mut out, "k", &rest[..end]);
            out.push(':');
            value(&mut out, &rest[end + 1..]);
        }
        None => value(&mut out, rest),
    }
    out
}

/// Where the key of a mapping line ends, if it is one.
fn key_end(text: &str) -> Option<usize> {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        let close = text[1..].find(quote)? + 1;
        return text[close + 1..].starts_with(':').then_some(close + 1);
    }
    let end = text.find(": ").or_else(|| text.strip_suffix(':').map(str::len))?;
    (!text[..end].contains(['{', '[', '#'])).then_some(end)
}

fn value(out: &mut String, text: &str) {
    let (text, comment) = match text.find(" #") {
        Some(at) if !text[..at].contains(['"', '\'']) => text.split_at(at),
        _ => (text, ""),
    };
    let plain = text.trim();
    let is_number = plain.parse::<f64>().is_ok();
    let is_word = matches!(
        plain,
        "" | "true" | "false" | "null" | "~" | "{}" | "[]" | "|" | "|-" | ">" | ">-"
    );
    if is_number || is_word {
        escape(out, text);
    } else {
        run(out, "s", text);
    }
    if !comment.is_empty() {
        run(out, "c", comment);
    }
}

fn run(out: &mut String, class: &str, text: &str) {
    let _ = write!(out, r#"<span class="{class}">"#); // writing to a String cannot fail
    escape(out, text);
    out.push_str("</span>");
}

/// Appends `text` with what HTML gives a meaning escaped.
pub(crate) fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys, values, lists, comments; markup in values stays text.
    #[test]
    fn lines() {
        let text = "# note\napi:\n  replicas: 3\n  - name: a<b # why\nhost: \"x: y\"\n\"a b\": c\njust text\n";
        let marked: Vec<String> = text.lines().map(yaml_line).collect();
        insta::assert_snapshot!(marked.join("\n"), @r##"
        <span class="c"># note</span>
        <span class="k">api</span>:
          <span class="k">replicas</span>: 3
          - <span class="k">name</span>:<span class="s"> a&lt;b</span><span class="c"> # why</span>
        <span class="k">host</span>:<span class="s"> &quot;x: y&quot;</span>
        <span class="k">&quot;a b&quot;</span>:<span class="s"> c</span>
        <span class="s">just text</span>
        "##);
    }
}
