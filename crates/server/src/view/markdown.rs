//! Changelogs: Markdown to HTML that cannot do harm.
//!
//! Raw HTML and pictures are dropped, links are marked as foreign; what is left passes a sanitizer.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// HTML of a changelog.
pub(crate) fn to_html(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(markdown, options).filter(|event| {
        !matches!(
            event,
            Event::Start(Tag::Image { .. })
                | Event::End(TagEnd::Image)
                | Event::Html(_)
                | Event::InlineHtml(_)
        )
    });
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, events);
    ammonia::Builder::default()
        .add_tags(["input"])
        .add_tag_attributes("input", ["type", "checked", "disabled"])
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean(&rendered)
        .to_string()
}

/// The first line of a changelog that says something, as plain text, for lists.
pub(crate) fn first_line(markdown: &str) -> String {
    let mut line = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) => line.push_str(&text),
            // The end of an inline run, such as emphasis, does not end the line.
            Event::End(
                TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::Strikethrough,
            ) => {}
            Event::SoftBreak | Event::HardBreak | Event::End(_) if !line.trim().is_empty() => break,
            _ => {}
        }
    }
    line.trim().to_owned()
}

/// How many changes a changelog lists: its list items, or its paragraphs where it has no list.
pub(crate) fn change_count(markdown: &str) -> usize {
    let (mut items, mut paragraphs) = (0, 0);
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Item) => items += 1,
            Event::Start(Tag::Paragraph) => paragraphs += 1,
            _ => {}
        }
    }
    if items > 0 { items } else { paragraphs }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formatting stays; scripts, pictures, raw HTML and dangerous links go.
    #[test]
    fn harmless() {
        let html = to_html(
            "Fixes **double** charging <script>alert(1)</script>\n\n- [one](javascript:alert(1))\n- ![x](https://example.com/x.png) two",
        );
        insta::assert_snapshot!(html, @r#"
        <p>Fixes <strong>double</strong> charging alert(1)</p>
        <ul>
        <li><a rel="noopener noreferrer nofollow">one</a></li>
        <li>x two</li>
        </ul>
        "#);
    }

    /// Lists show the first thing said, without marks.
    #[test]
    fn summary() {
        assert_eq!(first_line("# 2.4.1\n\n- Fixes"), "2.4.1");
        assert_eq!(first_line("\n\nFixes **double** charging\nand more"), "Fixes double charging");
        assert_eq!(first_line(""), "");
        assert_eq!(change_count("Hello\n\n- a\n- b"), 2);
        assert_eq!(change_count("One paragraph"), 1);
    }
}
