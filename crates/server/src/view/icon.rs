//! The few icons of the pages, from Lucide (ISC licence, beside them), inlined where they stand.

/// Markup of an icon by name; an unknown name is nothing.
pub(crate) fn icon(name: &str) -> &'static str {
    match name {
        "landfall" => include_str!("../icons/landfall.svg"),
        "layers" => include_str!("../icons/layers.svg"),
        "package" => include_str!("../icons/package.svg"),
        "tag" => include_str!("../icons/tag.svg"),
        "rocket" => include_str!("../icons/rocket.svg"),
        "server" => include_str!("../icons/server.svg"),
        "key" => include_str!("../icons/key-round.svg"),
        "search" => include_str!("../icons/search.svg"),
        "more" => include_str!("../icons/ellipsis.svg"),
        "up" => include_str!("../icons/chevrons-up-down.svg"),
        "user" => include_str!("../icons/user-round.svg"),
        "users" => include_str!("../icons/users-round.svg"),
        "log" => include_str!("../icons/scroll-text.svg"),
        "sign-out" => include_str!("../icons/log-out.svg"),
        "globe" => include_str!("../icons/globe.svg"),
        "page" => include_str!("../icons/file-text.svg"),
        _ => "",
    }
}
