//! The functions Helm offers to templates beyond Go's own: sprig's and Helm's.
//!
//! [`func_map`] gives them all; one module per family. Argument types are declared to the template
//! engine exactly as the Go functions declare them, so wrong arguments fail with Go's words before
//! a body runs. What a Go function would panic with is returned as an error of the same text,
//! because Go's template engine turns one into the other.
//!
//! Nothing here reads the environment, the file system or the network: `env` and `expandenv` do
//! not exist in Helm, and `getHostByName` answers with an empty text, as in a Helm without
//! `--enable-dns`. `include`, `tpl` and `lookup` belong to the rendering of a chart and are added
//! by [`crate::render`], which also puts a `getHostByName` in place that can ask.
//!
//! Where Go would exhaust the memory (a text repeated a billion times) the functions fail instead;
//! see [`limits`].

mod args;
mod crypto;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod flow;
mod json;
mod limits;
mod lists;
mod merge;
mod node;
mod numbers;
mod paths;
mod random;
mod regex;
mod semver;
mod splitting;
mod strings;
mod toml;
mod types;
mod urls;
mod words;
mod yaml;

use gotemplate::FuncMap;

pub use flow::Refusal;
pub(crate) use flow::soften_refusals;
pub use node::TemplateNode;

/// All functions of this module, by the names templates use.
pub fn func_map() -> FuncMap {
    let mut funcs = FuncMap::new();
    for register in [
        crypto::register,
        dates::register,
        defaults::register,
        dicts::register,
        encoding::register,
        flow::register,
        json::register,
        lists::register,
        numbers::register,
        paths::register,
        random::register,
        regex::register,
        semver::register,
        splitting::register,
        strings::register,
        toml::register,
        types::register,
        urls::register,
        words::register,
        yaml::register,
    ] {
        register(&mut funcs);
    }
    funcs
}
