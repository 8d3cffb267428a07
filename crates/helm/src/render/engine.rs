//! The template set of a chart: which files are parsed in which order, and the functions that
//! reach back into it (`include`, `tpl`, `lookup`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::ToSocketAddrs as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use gotemplate::{
    CallContext, FuncError, FuncMap, Function, Map, MapType, MissingKey, ParseError, Str,
    TemplateSet, Type, Value,
};
use rustc_hash::FxHashMap;

use super::context::{self, Scope};
use super::error::TemplateError;
use super::frozen::FrozenDefaults;
use super::{Purpose, RenderError, RenderInput, RenderLimits};
use crate::chart::Chart;
use crate::cluster_reader::ClusterReader;

/// The name of the template set, which shows in errors.
const SET_NAME: &str = "gotpl";

/// How often one template may be nested in itself by `include`.
const MAX_NESTED_INCLUDES: u32 = 1000;

/// How many different sets of enabled sub-charts are kept parsed.
const MAX_PARSED: usize = 16;

/// How many bytes of texts given to `tpl` are kept parsed in all, and of one text.
const MAX_KEPT_TEXTS: usize = 1024 * 1024;
const MAX_KEPT_TEXT: usize = 16 * 1024;

/// What Go prints for nothing; Helm takes it out of every rendered file.
const NO_VALUE: &str = "<no value>";

/// The parsed templates of a chart, one set for each choice of sub-charts that was rendered.
#[derive(Debug, Default)]
pub(super) struct Engine {
    parsed: Mutex<Vec<(Vec<String>, Arc<Parsed>)>>,
    texts: Arc<ParsedTexts>,
}

/// The template files of a chart and its enabled sub-charts.
struct Parsed {
    set: TemplateSet,
    /// In the order they are rendered.
    files: Vec<TemplateFile>,
}

struct TemplateFile {
    /// Such as `shop/charts/db/templates/service.yaml`.
    name: String,
    /// Such as `shop/charts/db/templates`.
    base_path: String,
    /// Which of the charts' contexts it is rendered with.
    chart: usize,
}

/// What the functions of one render share.
struct RenderState {
    nested: RefCell<FxHashMap<Str, u32>>,
    cluster: Option<Arc<dyn ClusterReader + Send + Sync>>,
    resolve_hosts: bool,
    texts: Arc<ParsedTexts>,
}

/// Texts given to `tpl` so far; charts give the same ones in every render.
#[derive(Debug, Default)]
struct ParsedTexts(Mutex<KeptTexts>);

#[derive(Debug, Default)]
struct KeptTexts {
    parsed: FxHashMap<Str, gotemplate::Parsed>,
    /// The sum of the texts' lengths.
    bytes: usize,
}

impl ParsedTexts {
    fn get(&self, set: &TemplateSet, text: &Str) -> Result<gotemplate::Parsed, ParseError> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parsed) = lock().parsed.get(text) {
            return Ok(parsed.clone());
        }
        let parsed = set.parse_only(SET_NAME, text)?;
        if text.len() <= MAX_KEPT_TEXT {
            let mut kept = lock();
            if kept.bytes + text.len() > MAX_KEPT_TEXTS {
                *kept = KeptTexts::default();
            }
            if kept.parsed.insert(text.clone(), parsed.clone()).is_none() {
                kept.bytes += text.len();
            }
        }
        Ok(parsed)
    }
}

impl Engine {
    /// Renders all templates of a chart whose dependencies were processed: file name → text.
    pub(super) fn render(
        &self,
        chart: &Chart,
        values: &goyaml::Value,
        defaults: &FrozenDefaults,
        input: &RenderInput,
        purpose: Purpose,
    ) -> Result<BTreeMap<String, String>, RenderError> {
        let parsed = self.parsed(chart, purpose)?;
        let dots = Scope::new(chart, values, defaults, input, purpose).dots();
        let state = RenderState {
            nested: RefCell::default(),
            cluster: input.cluster.clone(),
            resolve_hosts: input.resolve_hosts,
            texts: Arc::clone(&self.texts),
        };
        let RenderLimits { output, made } = input.limits;
        let limits = gotemplate::Limits { output, made, ..gotemplate::Limits::default() };
        let mut written = 0;
        let mut rendered = BTreeMap::new();
        for file in parsed.files.iter().filter(|file| !is_partial(&file.name)) {
            let dot = &dots[file.chart];
            // A map of Helm's own type takes every value, so this cannot fail.
            let _ = dot.insert("Template", context::template(&file.name, &file.base_path));
            let mut execution = parsed.set.execution().data(&state).limits(limits).after(written);
            if let Some(stop) = &input.stop {
                execution = execution.stop_when(stop);
            }
            let text = execution
                .execute(&file.name, Value::Map(dot.clone()))
                .map_err(|error| TemplateError::execute(&file.name, &error))?;
            written += text.len();
            let text = String::from_utf8(without_no_value(text))
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            rendered.insert(file.name.clone(), text);
        }
        Ok(rendered)
    }

    /// The parsed templates for the sub-charts that take part.
    fn parsed(&self, chart: &Chart, purpose: Purpose) -> Result<Arc<Parsed>, RenderError> {
        let key = chart_paths(chart);
        // Another thread's panic leaves the list whole: it only ever gains entries.
        let lock = || self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, parsed)) = lock().iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(parsed));
        }
        let parsed = Arc::new(Parsed::new(chart, purpose)?);
        let mut all = lock();
        if all.len() >= MAX_PARSED {
            all.remove(0);
        }
        all.push((key, Arc::clone(&parsed)));
        Ok(parsed)
    }
}

impl Parsed {
    fn new(chart: &Chart, purpose: Purpose) -> Result<Self, RenderError> {
        let mut texts = BTreeMap::new();
        collect(chart, chart.name(), &mut 0, &mut texts);
        let mut files: Vec<(TemplateFile, &Arc<[u8]>)> = texts.into_values().collect();
        // Deepest first, then in reverse: what is parsed last wins where a name is defined twice.
        files.sort_by(|(a, _), (b, _)| {
            let depth = |file: &TemplateFile| file.name.bytes().filter(|b| *b == b'/').count();
            depth(b).cmp(&depth(a)).then_with(|| b.name.cmp(&a.name))
        });
        let mut set = empty_set(purpose);
        chart.ahead().finish();
        for (file, text) in &files {
            // What was parsed ahead knows the functions of a render, not those of a lint.
            let ahead = chart.ahead().parsed(&file.name, text);
            match ahead.filter(|_| purpose == Purpose::Output) {
                Some(parsed) => set.add(parsed),
                None => set
                    .parse(file.name.as_str(), Arc::clone(text))
                    .map_err(|error| TemplateError::parse(&error))?,
            }
        }
        Ok(Self { set, files: files.into_iter().map(|(file, _)| file).collect() })
    }
}

impl std::fmt::Debug for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parsed({} files)", self.files.len())
    }
}

/// A set without templates that has Helm's functions.
pub(super) fn empty_set(purpose: Purpose) -> TemplateSet {
    let functions = match purpose {
        Purpose::Output => &FUNCTIONS,
        Purpose::Lint => &LINT_FUNCTIONS,
    };
    TemplateSet::new(SET_NAME, Arc::clone(functions)).missing_key(MissingKey::Zero)
}

/// Gathers the templates of a chart and everything below it by their full names; a chart wins over
/// what its children put under the same name. `next` counts charts in the order of their contexts.
fn collect<'a>(
    chart: &'a Chart,
    path: &str,
    next: &mut usize,
    texts: &mut BTreeMap<String, (TemplateFile, &'a Arc<[u8]>)>,
) {
    let own = *next;
    *next += 1;
    for child in chart.dependencies() {
        collect(child, &format!("{path}/charts/{}", child.name()), next, texts);
    }
    for template in chart.templates() {
        if chart.metadata().is_library() && !is_partial(&template.name) {
            continue;
        }
        let name = format!("{path}/{}", template.name);
        let base_path = format!("{path}/templates");
        let file = TemplateFile { name: name.clone(), base_path, chart: own };
        texts.insert(name, (file, &template.data));
    }
}

/// What distinguishes one choice of sub-charts from another: their paths and versions.
fn chart_paths(chart: &Chart) -> Vec<String> {
    fn walk(chart: &Chart, path: &str, paths: &mut Vec<String>) {
        for child in chart.dependencies() {
            walk(child, &format!("{path}/{}", child.name()), paths);
        }
        paths.push(format!("{path}@{}#{:p}", chart.version(), chart.templates()));
    }
    let mut paths = Vec::new();
    walk(chart, chart.name(), &mut paths);
    paths
}

fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&text) {
        Ok(valid) if !valid.contains(NO_VALUE) => text,
        Ok(valid) => valid.replace(NO_VALUE, "").into_bytes(),
        // Bytes that are no text are dropped from no place but the marks themselves.
        Err(_) => {
            let mut cleaned = Vec::with_capacity(text.len());
            let mut rest = text.as_slice();
            while let Some((first, after)) = rest.split_first() {
                rest = rest.strip_prefix(NO_VALUE.as_bytes()).unwrap_or_else(|| {
                    cleaned.push(*first);
                    after
                });
            }
            cleaned
        }
    }
}

/// All functions Helm offers.
static FUNCTIONS: LazyLock<Arc<FuncMap>> = LazyLock::new(|| Arc::new(all_functions()));

/// The same, with `fail` and `required` that only say so.
static LINT_FUNCTIONS: LazyLock<Arc<FuncMap>> = LazyLock::new(|| {
    let mut functions = all_functions();
    crate::functions::soften_refusals(&mut functions);
    Arc::new(functions)
});

fn all_functions() -> FuncMap {
    let mut functions = crate::functions::func_map();
    functions.insert("include", Function::new(&[Type::String, Type::Any], Type::String, include));
    functions.insert("tpl", Function::new(&[Type::String, Type::Any], Type::String, tpl));
    functions.insert("lookup", Function::new(&[Type::String; 4], Type::Map(MapType::ANY), lookup));
    functions.insert("getHostByName", Function::new(&[Type::String], Type::String, host_address));
    functions
}

/// `getHostByName NAME`: an address of a host, or nothing where no host may be asked for.
fn host_address(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(name)] = args else { return Err(FuncError::nil_pointer()) };
    if !state(context)?.resolve_hosts {
        return Ok("".into());
    }
    let found = (&*name.to_string_lossy(), 0).to_socket_addrs().ok();
    // Helm takes one of the addresses at random, and says so where there are none.
    let address = found.and_then(|mut addresses| addresses.next());
    let address = address.ok_or_else(|| FuncError::new("invalid argument to Intn"))?;
    Ok(Value::string(address.ip().to_string().into_bytes()))
}

/// `include NAME DOT`: a named template as text. What Go prints for nothing stays in the text.
fn include(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(name), dot] = args else { return Err(FuncError::nil_pointer()) };
    let state = state(context)?;
    let depth = state.nested.borrow().get(name).copied().unwrap_or(0);
    if depth > MAX_NESTED_INCLUDES {
        return Err(FuncError::new(format!(
            "rendering template has a nested reference name: {name}: unable to execute template"
        )));
    }
    state.nested.borrow_mut().insert(name.clone(), depth + 1);
    let rendered = context.render(name, dot);
    state.nested.borrow_mut().insert(name.clone(), depth);
    Ok(Value::string(rendered?))
}

/// `tpl TEXT DOT`: renders a text in the middle of a render. What it defines is seen by itself and
/// by what it calls.
fn tpl(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let [Value::String(text), dot] = args else { return Err(FuncError::nil_pointer()) };
    let quoted = || gotemplate::print::quote(text);
    if !text.windows(2).any(|pair| pair == b"{{") {
        return Ok(Value::string(without_no_value(text.to_vec())));
    }
    let parsed = state(context)?
        .texts
        .get(context.templates(), text)
        .map_err(|error| FuncError::wrap(format!("cannot parse template {}: ", quoted()), error))?;
    let rendered = context.render_parsed(&parsed, dot).map_err(|error| {
        FuncError::wrap(format!("error during tpl function execution for {}: ", quoted()), error)
    })?;
    Ok(Value::string(without_no_value(rendered)))
}

/// `lookup APIVERSION KIND NAMESPACE NAME`: an object of the cluster, or an empty map.
fn lookup(context: &CallContext<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let texts: Vec<_> =
        args.iter().filter_map(Value::as_str).map(|text| text.to_string_lossy()).collect();
    let [api_version, kind, namespace, name] = texts.as_slice() else {
        return Err(FuncError::nil_pointer());
    };
    let found = match &state(context)?.cluster {
        None => None,
        Some(cluster) => {
            cluster.lookup(api_version, kind, namespace, name).map_err(FuncError::other)?
        }
    };
    Ok(match found {
        Some(object @ serde_json::Value::Object(_)) => context::from_json(&object),
        _ => Value::Map(Map::new()),
    })
}

fn state<'a>(context: &CallContext<'a>) -> Result<&'a RenderState, FuncError> {
    context.data().ok_or_else(FuncError::nil_pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text Go prints for nothing is taken out wherever it stands.
    #[test]
    fn no_value_disappears() {
        let clean = |text: &str| String::from_utf8(without_no_value(text.into())).unwrap();
        assert_eq!(clean("a <no value>b<no value>"), "a b");
        assert_eq!(clean("<no <no value>value>"), "<no value>");
        assert_eq!(clean("plain"), "plain");
        assert_eq!(without_no_value(b"\xff<no value><".into()), b"\xff<");
    }
}
