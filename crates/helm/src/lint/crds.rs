//! Rules for the files below `crds/`.

use super::stream::Documents;
use super::{Linter, Severity, chain};
use crate::chart::Chart;

const FOLDER: &str = "crds/";

pub(super) fn check(linter: &mut Linter) {
    let path = linter.folder.join(FOLDER.trim_end_matches('/'));
    if !path.exists() {
        return;
    }
    let is_folder = if path.is_dir() { Ok(()) } else { Err("not a directory") };
    if !linter.rule(Severity::Error, FOLDER, is_folder) {
        return;
    }
    let chart = match Chart::load_of_any_format(&linter.folder) {
        Ok(chart) => chart,
        Err(error) => {
            linter.rule(Severity::Error, FOLDER, Err(chain(&error)));
            return;
        }
    };
    for crd in chart.crds() {
        let path = &crd.file.name;
        for head in Documents::new(&crd.file.text()) {
            let head = match head {
                Ok(head) => head,
                // Helm looks at nothing after what it cannot read.
                Err(error) => {
                    let text = format!("unable to parse YAML: {error}");
                    linter.rule(Severity::Error, path, Err(text));
                    return;
                }
            };
            let group = if head.api_version.starts_with("apiextensions.k8s.io") {
                Ok(())
            } else {
                Err("apiVersion is not in 'apiextensions.k8s.io'")
            };
            linter.rule(Severity::Error, path, group);
            let kind = if head.kind == "CustomResourceDefinition" {
                Ok(())
            } else {
                Err("object kind is not 'CustomResourceDefinition'")
            };
            linter.rule(Severity::Error, path, kind);
        }
    }
}
