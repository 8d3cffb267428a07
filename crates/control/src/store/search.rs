//! Search terms: the words that environments and Releases are found by.
//!
//! A term is a lower-case word or a tail of a name from a boundary on (`northwind-prod`, `prod`), so
//! that "begins with" over one index finds names by any of their parts, on both databases alike.

use std::collections::BTreeSet;

use super::driver::Executor;
use super::sql::{StoreError, sql};

/// Longest term kept, in characters.
const LONGEST: usize = 64;

/// Most terms kept for one thing: a changelog can be long.
pub(super) const MOST: usize = 300;

/// Most words of a search that are looked at.
const WORDS: usize = 6;

/// The terms of some texts.
fn terms<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for text in texts {
        let text = text.to_lowercase();
        for word in text.split_whitespace() {
            let mut boundary = true;
            for (at, character) in word.char_indices() {
                let inside = character.is_alphanumeric();
                if inside && boundary {
                    let tail = word[at..].trim_end_matches(|c: char| !c.is_alphanumeric());
                    terms.insert(tail.chars().take(LONGEST).collect());
                }
                boundary = !inside;
                if terms.len() >= MOST {
                    return terms;
                }
            }
        }
    }
    terms
}

/// For every word of a search the range of terms that begin with it: from, up to but not with.
pub(super) fn ranges(text: &str) -> Vec<(String, String)> {
    text.to_lowercase()
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(|word| {
            let from: String = word.chars().take(LONGEST).collect();
            let to = format!("{from}\u{10FFFF}");
            (from, to)
        })
        .collect()
}

/// Makes a thing found by the words of `texts`.
pub(crate) async fn index<'a>(
    c: &impl Executor,
    kind: &'static str,
    subject: &str,
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let terms: Vec<String> = terms(texts).into_iter().collect();
    for chunk in terms.chunks(100) {
        let rows: Vec<String> = (0..chunk.len()).map(|n| format!("($1, ${}, $2)", n + 3)).collect();
        let text = format!(
            "INSERT INTO search_terms (kind, term, subject_id) VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        );
        sql(text)
            .bind(kind)
            .bind(subject)
            .bind_all(chunk.iter().map(|term| term.clone().into()))
            .run(c, "store search terms")
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are found by the beginning of each of their parts, sentences by their words.
    #[test]
    fn terms_begin_at_boundaries() {
        let found = terms(["northwind-prod", "Faster label printing (beta)."]);
        let list: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(list, ["beta", "faster", "label", "northwind-prod", "printing", "prod"]);
    }

    /// Each word of a search must be found; signs alone search for nothing.
    #[test]
    fn searches_are_ranges_of_terms() {
        let found = ranges(" Prod -- eu ");
        assert_eq!(found.iter().map(|(from, _)| from.as_str()).collect::<Vec<_>>(), ["prod", "eu"]);
        assert!(found.iter().all(|(from, to)| from < to));
    }
}
