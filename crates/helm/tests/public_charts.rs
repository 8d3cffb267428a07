//! Well-known public charts with their default values, held against Helm.
//!
//! They are not part of the project: `LANDFALL_CHARTS` names a folder that holds them.

mod support;

use std::path::Path;

use support::{Answer, ours, real};

#[track_caller]
fn same_as_helm(chart: &str) {
    let Some(folder) = std::env::var_os("LANDFALL_CHARTS") else {
        eprintln!(
            "LEFT OUT: chart {chart} was not compared with Helm, because LANDFALL_CHARTS does not \
             name a folder of charts"
        );
        return;
    };
    let path = Path::new(&folder).join(chart);
    assert!(path.is_dir(), "LANDFALL_CHARTS has no chart {}", path.display());
    let lines = |answer: Answer| -> Vec<String> {
        answer.expect("the chart renders").split('\n').map(str::to_owned).collect()
    };
    let [first, second, here] = [real(&path, &[]), real(&path, &[]), ours(&path, &[])].map(lines);
    assert!(first.len() > 10 && first.len() == second.len(), "Helm's own answers are odd");
    assert_eq!(here.len(), first.len(), "the number of lines");
    for (at, (wanted, found)) in first.iter().zip(&here).enumerate() {
        // What Helm itself prints differently every time (passwords, certificates) is not compared.
        assert!(
            wanted == found || *wanted != second[at],
            "line {}\n  Helm: {wanted}\n  here: {found}",
            at + 1
        );
    }
}

/// podinfo renders to Helm's bytes.
#[test]
fn podinfo() {
    same_as_helm("stefanprodan__podinfo__charts__podinfo");
}

/// ingress-nginx renders to Helm's bytes.
#[test]
fn ingress_nginx() {
    same_as_helm("kubernetes__ingress-nginx__charts__ingress-nginx");
}

/// bitnami's nginx renders to Helm's bytes.
#[test]
fn bitnami_nginx() {
    same_as_helm("bitnami__charts__bitnami__nginx");
}
