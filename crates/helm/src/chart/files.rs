//! What each file of a chart is for: the step from a list of files to a chart.

use std::sync::Arc;

use super::chartfile::{self, NullItems};
use super::error::ChartError;
use super::limits::Budget;
use super::{Chart, ChartLimits, File, Metadata, archive, validate};
use crate::render::Ahead;
use crate::schema::Compiled;

/// Builds a chart from files that came from no archive, within the usual limits.
pub(super) fn build_alone(files: Vec<File>) -> Result<Chart, ChartError> {
    build(files, &mut Budget::new(ChartLimits::default()))
}

/// As [`build`], with the templates parsed by a second thread meanwhile.
pub(super) fn build_to_render(files: Vec<File>, budget: &mut Budget) -> Result<Chart, ChartError> {
    let ahead = Ahead::start(&files);
    Ok(Chart { ahead, ..build(files, budget)? })
}

/// Builds a chart from files named by their paths inside it, sub-charts included.
pub(super) fn build(files: Vec<File>, budget: &mut Budget) -> Result<Chart, ChartError> {
    let mut builder = Builder::default();
    // Chart.yaml comes first wherever it stands: the meaning of other files depends on it.
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        builder.chartfile(file)?;
    }
    for file in &files {
        builder.classify(file)?;
    }
    builder.finish(files, budget)
}

#[derive(Default)]
struct Builder {
    metadata: Option<Metadata>,
    nulls: NullItems,
    lock: Option<super::Lock>,
    templates: Vec<File>,
    values: goyaml::Value,
    schema: Option<File>,
    files: Vec<File>,
    modified: Option<jiff::Timestamp>,
    /// Files below `charts/`, grouped by the first part of the path, in order of appearance.
    groups: Vec<(String, Vec<File>)>,
}

impl Builder {
    fn chartfile(&mut self, file: &File) -> Result<(), ChartError> {
        let metadata = self.metadata.get_or_insert_default();
        chartfile::read_onto(&file.text(), metadata, &mut self.nulls)
            .map_err(|source| ChartError::Chartfile { file: "Chart.yaml", source })?;
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
        self.modified = file.modified;
        Ok(())
    }

    fn classify(&mut self, file: &File) -> Result<(), ChartError> {
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => self.read_lock("Chart.lock", file)?,
            "values.yaml" => {
                self.values = crate::values::parse_values(&file.text())
                    .map_err(|source| ChartError::Values { source })?;
            }
            "values.schema.json" => self.schema = Some(file.clone()),
            "requirements.yaml" => self.requirements(file)?,
            "requirements.lock" => {
                self.read_lock("requirements.lock", file)?;
                self.keep_if_v1(
                    file,
                    "Warning: Dependency locking is handled in Chart.lock since apiVersion \
                     \"v2\". We recommend migrating to Chart.lock.",
                );
            }
            name if name.starts_with("templates/") => self.templates.push(file.clone()),
            name if name.starts_with("charts/") && !has_extension(name, "prov") => {
                self.below_charts(file, &name["charts/".len()..]);
            }
            _ => self.files.push(file.clone()),
        }
        Ok(())
    }

    fn read_lock(&mut self, name: &'static str, file: &File) -> Result<(), ChartError> {
        let lock = chartfile::read_lock(&file.text())
            .map_err(|source| ChartError::Chartfile { file: name, source })?;
        self.lock = Some(lock);
        Ok(())
    }

    /// requirements.yaml held the dependencies before `apiVersion: v2`.
    fn requirements(&mut self, file: &File) -> Result<(), ChartError> {
        let metadata = self.metadata.get_or_insert_default();
        chartfile::read_onto(&file.text(), metadata, &mut self.nulls)
            .map_err(|source| ChartError::Chartfile { file: "requirements.yaml", source })?;
        self.keep_if_v1(
            file,
            "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We \
             recommend migrating dependencies to Chart.yaml.",
        );
        Ok(())
    }

    fn keep_if_v1(&mut self, file: &File, otherwise: &str) {
        if self.metadata.as_ref().is_some_and(|metadata| metadata.api_version == "v1") {
            self.files.push(file.clone());
        } else {
            tracing::info!("{otherwise}");
        }
    }

    fn below_charts(&mut self, file: &File, below: &str) {
        let group = below.split('/').next().unwrap_or_default();
        let file = File { name: below.to_owned(), ..file.clone() };
        match self.groups.iter_mut().find(|(name, _)| name == group) {
            Some((_, files)) => files.push(file),
            None => self.groups.push((group.to_owned(), vec![file])),
        }
    }

    fn finish(self, raw: Vec<File>, budget: &mut Budget) -> Result<Chart, ChartError> {
        let mut metadata = self.metadata.ok_or(ChartError::NoChartfile)?;
        validate::validate(&mut metadata, self.nulls)?;
        let mut dependencies = Vec::new();
        for (group, files) in self.groups {
            let too_deep = |limit| ChartError::TooDeep { limit };
            let load = |budget: &mut Budget| subchart(&metadata.name, &group, files, budget);
            dependencies.extend(budget.deeper(too_deep, load)?);
        }
        Ok(Chart {
            metadata: Arc::new(metadata),
            lock: self.lock.map(Arc::new),
            templates: self.templates.into(),
            values: self.values,
            schema: self.schema,
            compiled_schema: Compiled::default(),
            ahead: Ahead::default(),
            files: self.files.into(),
            raw: raw.into(),
            modified: self.modified,
            dependencies,
        })
    }
}

/// Loads one group below `charts/`; `None` for what Helm leaves aside.
fn subchart(
    parent: &str,
    group: &str,
    files: Vec<File>,
    budget: &mut Budget,
) -> Result<Option<Chart>, ChartError> {
    if group.starts_with(['_', '.']) {
        return Ok(None);
    }
    let loaded = if has_extension(group, "tgz") {
        match files.first() {
            Some(file) if file.name == group => archive::load_subchart(&file.data, budget),
            first => {
                return Err(ChartError::SubchartName {
                    chart: parent.to_owned(),
                    expected: group.to_owned(),
                    found: first.map(|file| file.name.clone()).unwrap_or_default(),
                });
            }
        }
    } else {
        let inside = files.into_iter().filter_map(|file| {
            let name = file.name.split_once('/')?.1.to_owned();
            Some(File { name, ..file })
        });
        build(inside.collect(), budget)
    };
    loaded.map(Some).map_err(|source| ChartError::Subchart {
        name: group.to_owned(),
        chart: parent.to_owned(),
        source: Box::new(source),
    })
}

fn has_extension(name: &str, extension: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHARTFILE: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

    fn chart(files: &[(&str, &str)]) -> Result<Chart, String> {
        Chart::from_files(
            files
                .iter()
                .map(|(name, data)| ((*name).to_owned(), data.as_bytes().to_vec()))
                .collect(),
        )
        .map_err(|error| {
            std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source())
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": ")
        })
    }

    fn names(files: &[File]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    /// Every file ends up in its place, and only the rest is visible as `.Files`.
    #[test]
    fn classification() {
        let chart = chart(&[
            ("templates/a.yaml", "a"),
            ("templates/sub/_h.tpl", "h"),
            ("crds/w.yaml", "w"),
            ("crds/nested/x.JSON", "x"),
            ("crds/readme.md", "r"),
            ("NOTES.txt", "n"),
            (".helmignore", "*.bak"),
            ("values.yaml", "a: 1"),
            ("values.schema.json", "{}"),
            ("Chart.lock", "digest: x"),
            ("charts/s/Chart.yaml", "apiVersion: v1\nname: sub\nversion: 1\n"),
            ("charts/s/crds/y.yml", "y"),
            ("charts/s-1.tgz.prov", "p"),
            ("charts/_old/Chart.yaml", "nonsense: ["),
            ("Chart.yaml", CHARTFILE),
        ])
        .unwrap();
        assert_eq!(names(chart.templates()), ["templates/a.yaml", "templates/sub/_h.tpl"]);
        assert_eq!(
            names(chart.files()),
            [
                "crds/w.yaml",
                "crds/nested/x.JSON",
                "crds/readme.md",
                "NOTES.txt",
                ".helmignore",
                "charts/s-1.tgz.prov"
            ]
        );
        assert_eq!(chart.dependencies()[0].name(), "sub");
        let crds: Vec<String> = chart.crds().into_iter().map(|crd| crd.path).collect();
        assert_eq!(crds, ["c/crds/w.yaml", "c/crds/nested/x.JSON", "c/charts/sub/crds/y.yml"]);
        assert_eq!(chart.lock().unwrap().digest, "x");
        assert!(chart.schema().is_some());
        assert!(chart.raw_file("values.yaml").is_some());
    }

    /// requirements.yaml declares dependencies of old charts, and stays visible there.
    #[test]
    fn requirements_of_old_charts() {
        let old = chart(&[
            ("Chart.yaml", "name: c\nversion: 1\n"),
            ("requirements.yaml", "dependencies: [{name: s}]"),
        ])
        .unwrap();
        assert_eq!(old.metadata().api_version, "v1");
        assert_eq!(old.metadata().declared()[0].name, "s");
        assert_eq!(names(old.files()), ["requirements.yaml"]);
        let new =
            chart(&[("Chart.yaml", CHARTFILE), ("requirements.yaml", "dependencies: [{name: s}]")])
                .unwrap();
        assert_eq!(new.metadata().declared()[0].name, "s");
        assert!(new.files().is_empty());
    }

    /// A stray file below charts/ is taken for a chart, as Helm takes it.
    #[test]
    fn stray_files_below_charts() {
        assert_eq!(
            chart(&[("Chart.yaml", CHARTFILE), ("charts/README.md", "x")]).unwrap_err(),
            "error unpacking subchart README.md in c: Chart.yaml file is missing"
        );
        assert_eq!(chart(&[("values.yaml", "")]).unwrap_err(), "Chart.yaml file is missing");
    }
}
