//! What the API server's answers quote of objects, which may be secret.

/// An answer without the values it quotes: of a structure the server prints everything, environment variables with
/// passwords included.
pub(super) fn without_values(message: &str) -> String {
    const QUOTES: &str = "Invalid value: ";
    let mut text = String::new();
    let mut rest = message;
    while let Some((before, quoted)) = rest.split_once(QUOTES) {
        text.push_str(before);
        let end = end_of_value(quoted);
        let value = &quoted[..end];
        // Plain numbers and words are what the message is about.
        if value.contains(['{', '"']) {
            text.push_str("Invalid value: …");
        } else {
            text.push_str(QUOTES);
            text.push_str(value);
        }
        rest = &quoted[end..];
    }
    text.push_str(rest);
    // What a pod's update would change is printed below these words.
    match text.split_once('\n') {
        Some((first, _)) if text.contains("may not change fields other than") => {
            first.trim_end_matches(['{', ' ']).to_owned()
        }
        _ => text,
    }
}

/// Where a quoted Go value ends: at the colon outside of its brackets and texts.
fn end_of_value(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '(' | '[' if !quoted => depth += 1,
            '}' | ')' | ']' if !quoted && depth > 0 => depth -= 1,
            ':' if !quoted && depth == 0 && text[at..].starts_with(": ") => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers keep what they say and lose what they quote.
    #[test]
    fn quoted_values() {
        let job = "Job.batch \"m\" is invalid: spec.template: Invalid value: {\"spec\":{\"env\":[{\"name\":\"P\",\"value\":\"s3: {cret\"}]}}: field is immutable";
        insta::assert_snapshot!(without_values(job), @r#"Job.batch "m" is invalid: spec.template: Invalid value: …: field is immutable"#);
        let go = "spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"a\":\"b\"}, MatchExpressions:[]v1.X(nil)}: field is immutable";
        insta::assert_snapshot!(without_values(go), @"spec.selector: Invalid value: …: field is immutable");
        let number = "spec.replicas: Invalid value: -1: must be greater than or equal to 0";
        assert_eq!(without_values(number), number);
        let pod = "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.tolerations`\n core.PodSpec{ Value: \"s3cret\" }";
        insta::assert_snapshot!(without_values(pod), @r#"Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.tolerations`"#);
    }
}
