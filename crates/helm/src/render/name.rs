//! Release names made by a template: `--name-template`.

use gotemplate::{ExecError, ParseError, TemplateSet, Value};

/// Why a template gives no name.
#[derive(Debug, thiserror::Error)]
pub enum NameTemplateError {
    /// It does not parse.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It failed.
    #[error(transparent)]
    Execute(#[from] Box<ExecError>),
}

/// Renders a template that gives a release its name. It sees no data, and no environment.
pub fn name_from(template: &str) -> Result<String, NameTemplateError> {
    const NAME: &str = "name-template";
    let mut set = TemplateSet::new(NAME, crate::functions::func_map());
    set.parse(NAME, template)?;
    let name = set.execute(NAME, Value::Nil).map_err(Box::new)?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions work, data is not there, and mistakes are said in Go's words.
    #[test]
    fn names() {
        assert_eq!(name_from("{{ lower \"Shop\" }}-{{ trunc 2 \"abc\" }}").unwrap(), "shop-ab");
        assert_eq!(
            name_from("{{ nope }}").unwrap_err().to_string(),
            "template: name-template:1: function \"nope\" not defined"
        );
    }
}
