//! Chart archives made from a fuzzer's bytes: sound gzip and tar around names and contents that need not be.

use std::io::Write;

use arbitrary::{Result, Unstructured};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::data;

/// Paths that mean something to a chart, or should be refused.
const NAMES: [&str; 24] = [
    "c/Chart.yaml",
    "c/values.yaml",
    "c/values.schema.json",
    "c/Chart.lock",
    "c/requirements.yaml",
    "c/requirements.lock",
    "c/.helmignore",
    "c/templates/a.yaml",
    "c/templates/_helpers.tpl",
    "c/templates/NOTES.txt",
    "c/crds/x.yaml",
    "c/charts/s/Chart.yaml",
    "c/charts/s/values.yaml",
    "c/charts/s/templates/a.yaml",
    "c/charts/s.tgz",
    "c/charts/_s/Chart.yaml",
    "c/charts/README.md",
    "c/files/blob",
    "Chart.yaml",
    "/c/Chart.yaml",
    "c/../../x",
    "c\\templates\\b.yaml",
    "c/C:/x",
    "c/./",
];

/// A chart file that holds, to build others on.
const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

/// An archive of up to eight entries; half of the time with a sound Chart.yaml first.
pub fn archive(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    archive_of_depth(input, 2)
}

fn archive_of_depth(input: &mut Unstructured<'_>, depth: u32) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    if input.arbitrary()? {
        append(&mut tar, b"c/Chart.yaml", CHART.as_bytes(), b'0');
    }
    for _ in 0..input.int_in_range(0..=7_u8)? {
        let name = match input.int_in_range(0..=9_u8)? {
            0 => data::text(input)?,
            1 => format!("c/{}", data::text(input)?),
            _ => (*input.choose(&NAMES)?).to_owned(),
        };
        let kind = if input.ratio(9, 10)? { b'0' } else { input.arbitrary()? };
        let content = match input.int_in_range(0..=9_u8)? {
            0 if depth > 0 => archive_of_depth(input, depth - 1)?,
            1 => {
                goyaml::to_string(&goyaml::Value::Map(data::map(input)?)).unwrap_or_default().into()
            }
            2 => [CHART.as_bytes(), bytes(input)?].concat(),
            _ => bytes(input)?.to_owned(),
        };
        append(&mut tar, name.as_bytes(), &content, kind);
    }
    Ok(gzip(&tar.into_inner().unwrap_or_default()))
}

fn bytes<'a>(input: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = input.int_in_range(0..=600_usize)?.min(input.len());
    input.bytes(length)
}

/// Adds an entry whatever its name: the header is written by hand, because a builder refuses odd paths.
fn append(tar: &mut tar::Builder<Vec<u8>>, name: &[u8], content: &[u8], kind: u8) {
    let mut header = tar::Header::new_gnu();
    let field = &mut header.as_old_mut().name;
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name[..length]);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let _ = tar.append(&header, content);
}

/// Wraps bytes into gzip, stored rather than squeezed.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default()
}
