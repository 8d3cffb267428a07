//! Go structs and times: what each writer makes of the order of fields, and of an instant.

use goyaml::{Node, Shape, json, to_string, to_string_pretty};

#[derive(Clone, Copy)]
enum Go {
    Event,
    Name,
    At,
}

impl Node for Go {
    type Text = &'static str;

    fn shape(&self) -> Shape<Self> {
        match self {
            Self::Event => Shape::Struct(vec![("name", Self::Name), ("at", Self::At)]),
            Self::Name => Shape::Text("2020-02-03"),
            Self::At => Shape::Time("2020-02-03T04:05:06Z"),
        }
    }
}

/// JSON and go-yaml v3 keep the order of fields; what goes through JSON and YAML is sorted. A time
/// is a text like any other, but not to v3.
#[test]
fn fields_and_times() {
    assert_eq!(
        json::to_string(&Go::Event).unwrap(),
        r#"{"name":"2020-02-03","at":"2020-02-03T04:05:06Z"}"#
    );
    assert_eq!(
        to_string(&Go::Event).unwrap(),
        "at: \"2020-02-03T04:05:06Z\"\nname: \"2020-02-03\"\n"
    );
    assert_eq!(
        to_string_pretty(&Go::Event).unwrap(),
        "name: \"2020-02-03\"\nat: 2020-02-03T04:05:06Z\n"
    );
}
