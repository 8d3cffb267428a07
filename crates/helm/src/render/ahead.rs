//! Templates parsed on two threads while the rest of a chart is read.
//!
//! A chart that is loaded to be rendered once, as commands do, spends much of its time on its values and nearly as much on its
//! templates. Neither needs the other, so a second thread starts with the templates as soon as the files are there, and
//! whoever renders first helps with what is left.
//!
//! What a template is called depends on Chart.yaml and on aliases that only the values decide about, and the name is part of a
//! parsed template. Here the usual one is taken; what turns out to be called otherwise, or does not parse, is parsed
//! in its turn, where its error belongs. So nothing depends on whether any of this happened.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use gotemplate::{Parsed, Str, TemplateSet};

use super::engine;
use crate::chart::File;

/// Less text than this is parsed sooner than a thread starts; bytes.
const WORTH_A_THREAD: usize = 32 * 1024;

/// The templates of a chart, perhaps parsed already. Says nothing about the chart that its files do not say, so all are equal.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Option<Arc<Work>>);

struct Work {
    set: TemplateSet,
    texts: Vec<Text>,
    /// The first text nobody has taken.
    next: AtomicUsize,
    helper: Mutex<Option<JoinHandle<()>>>,
}

struct Text {
    name: Str,
    data: Arc<[u8]>,
    parsed: OnceLock<Parsed>,
}

impl Ahead {
    /// Starts with the templates among `files`, which are named by their paths inside the chart.
    pub(crate) fn start(files: &[File]) -> Self {
        let Some(root) = files.iter().find(|file| file.name == "Chart.yaml").and_then(chart_name)
        else {
            return Self::default();
        };
        let templates = files.iter().filter(|file| is_template(&file.name));
        let texts: Vec<Text> = templates
            .map(|file| Text {
                name: format!("{root}/{}", file.name).as_str().into(),
                data: Arc::clone(&file.data),
                parsed: OnceLock::new(),
            })
            .collect();
        if texts.iter().map(|text| text.data.len()).sum::<usize>() < WORTH_A_THREAD {
            return Self::default();
        }
        let work = Arc::new(Work {
            set: engine::empty_set(super::Purpose::Output),
            texts,
            next: AtomicUsize::new(0),
            helper: Mutex::default(),
        });
        let shared = Arc::clone(&work);
        // Where no thread can be started, the templates are parsed when they are needed.
        let helper = thread::Builder::new().spawn(move || shared.parse_what_is_left());
        *work.helper.lock().unwrap_or_else(PoisonError::into_inner) = helper.ok();
        Self(Some(work))
    }

    /// Waits until all is parsed, and does its share.
    pub(super) fn finish(&self) {
        let Some(work) = &self.0 else { return };
        work.parse_what_is_left();
        let helper = work.helper.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What a helper that failed has not parsed is parsed in its turn.
        drop(helper.map(JoinHandle::join));
    }

    /// What the template `name` with the text `data` was parsed to.
    pub(super) fn parsed(&self, name: &str, data: &Arc<[u8]>) -> Option<&Parsed> {
        let texts = &self.0.as_ref()?.texts;
        let text = texts.iter().find(|text| Arc::ptr_eq(&text.data, data))?;
        text.parsed.get().filter(|_| *text.name == *name.as_bytes())
    }
}

impl Work {
    fn parse_what_is_left(&self) {
        while let Some(text) = self.texts.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Ok(parsed) = self.set.parse_only(text.name.clone(), Arc::clone(&text.data)) {
                let _ = text.parsed.set(parsed); // each text is taken once
            }
        }
    }
}

/// Whether a file is a template of the chart or, going by the folders, of a chart below it.
fn is_template(path: &str) -> bool {
    let mut rest = path;
    while let Some((_, below)) = rest.strip_prefix("charts/").and_then(|rest| rest.split_once('/'))
    {
        rest = below;
    }
    rest.starts_with("templates/")
}

/// The name in a Chart.yaml, as people write it.
fn chart_name(chartfile: &File) -> Option<&str> {
    let text = std::str::from_utf8(&chartfile.data).ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("name:"))?;
    Some(name.trim().trim_matches(['"', '\'']))
}

impl PartialEq for Ahead {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ahead({} templates)", self.0.as_ref().map_or(0, |work| work.texts.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Chart;
    use crate::render::{PreparedChart, ReleaseOptions, RenderInput};

    fn chart(files: &[(&str, String)]) -> Chart {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into()));
        Chart::from_files(files.collect()).expect("a chart")
    }

    fn files(template: &str) -> Vec<(&'static str, String)> {
        let padding = "{{/* padding */}}\n".repeat(2 * WORTH_A_THREAD / 18);
        vec![
            ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.0.0\n  alias: store\n".to_owned()),
            ("templates/a.yaml", format!("{padding}a: {{{{ .Template.Name }}}}")),
            ("templates/b.yaml", template.to_owned()),
            ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n".to_owned()),
            ("charts/db/templates/c.yaml", "c: {{ .Template.Name }}".to_owned()),
        ]
    }

    fn rendered(chart: Chart) -> Result<String, String> {
        let input = RenderInput::new(goyaml::Value::Null, ReleaseOptions::install("r", "default"));
        let prepared = PreparedChart::new(chart).expect("installable");
        prepared.render(&input).map(|rendered| rendered.manifest).map_err(|error| error.to_string())
    }

    /// Parsed ahead or not, a render is the same: charts below it under an alias and errors included.
    #[test]
    fn changes_nothing() {
        for template in
            ["b: {{ include \"none\" . }}", "b: {{ .Values.b", "b: 1", "{{ define \"x\" }}"]
        {
            let plain = chart(&files(template));
            let mut ahead = plain.clone();
            ahead.parse_ahead();
            assert_eq!(rendered(ahead), rendered(plain), "{template}");
        }
    }

    /// The usual names are the right ones, so that the work is of use.
    #[test]
    fn finds_what_it_parsed() {
        let mut shop = chart(&files("b: 1"));
        shop.parse_ahead();
        shop.ahead().finish();
        for template in shop.templates() {
            let name = format!("shop/{}", template.name);
            assert!(shop.ahead().parsed(&name, &template.data).is_some(), "{name}");
            assert!(shop.ahead().parsed("shop/other", &template.data).is_none());
        }
        let [db] = shop.dependencies() else { panic!("one chart below") };
        let template = &db.templates()[0];
        assert!(shop.ahead().parsed("shop/charts/db/templates/c.yaml", &template.data).is_some());
    }

    /// A few templates are not worth a thread.
    #[test]
    fn small_charts_are_left_alone() {
        let mut small = chart(
            &files("b: 1")[1..2]
                .iter()
                .chain(&files("b: 1")[..1])
                .map(|(name, text)| (*name, text.replace("{{/* padding */}}\n", "")))
                .collect::<Vec<_>>(),
        );
        small.parse_ahead();
        assert_eq!(format!("{:?}", small.ahead()), "Ahead(0 templates)");
    }

    #[test]
    fn templates_by_their_folders() {
        for path in
            ["templates/a.yaml", "charts/db/templates/a/b.yaml", "charts/a/charts/b/templates/c"]
        {
            assert!(is_template(path), "{path}");
        }
        for path in
            ["values.yaml", "files/templates/a", "charts/db.tgz", "charts/templates/a", "templates"]
        {
            assert!(!is_template(path), "{path}");
        }
    }
}
