//! Programs that stand in for what containers would run: whoever starts a simulated cluster names them, a pod says by an
//! annotation which of them answers for which command.
//!
//! Nothing else ever runs: what a client asks to execute chooses among the names that the pod has, and neither its words nor
//! its arguments reach the program. The stand-in kubelet of `tests/cluster` does the same (`tests/cluster/kubelet/exec.go`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::object;

const EXEC: &str = "simulator.landfall.dev/exec";

/// A program of this machine with the arguments it is always given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Programs by the names that pods use.
pub type Programs = BTreeMap<String, Program>;

/// The name of the program that answers for a command in a pod: `pg_dump=dump-shop psql=load-shop` names two.
pub(crate) fn name_of<'p>(pod: &'p Value, command: &str) -> Option<&'p str> {
    let pairs = object::annotation(pod, EXEC)?.split([',', ' ', '\n']);
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(word, name)| (word == command && !command.is_empty()).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Only the first word of a command chooses, and only among what the pod names.
    #[test]
    fn names() {
        let pod = json!({ "metadata": { "annotations": { EXEC: "pg_dump=dump, psql=load" } } });
        assert_eq!(name_of(&pod, "pg_dump"), Some("dump"));
        assert_eq!(name_of(&pod, "psql"), Some("load"));
        assert_eq!(name_of(&pod, "sh"), None);
        assert_eq!(name_of(&json!({}), "psql"), None);
    }
}
