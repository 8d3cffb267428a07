//! Charts that would take all memory or time: each is refused with the limit that it meets, and meanwhile the
//! server answers others.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, like tests")]

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use harness::{Api, Server, charts};
use serde_json::{Value, json};

/// What the server may have had in memory at most, in KiB: below what any of these charts asks for.
const MEMORY: u64 = 700 * 1024;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_landfall"))
}

struct World {
    api: Api,
    server: Server,
    _folder: tempfile::TempDir,
}

async fn world(more: &[&str]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let more = [&["--simulated-pace", "instant"], more].concat();
    let server = Server::start(binary(), folder.path(), &more).await;
    let api = server.set_up().await;
    api.post("/clusters/simulated", json!({ "name": "lab", "admits": "both" })).await;
    api.post("/apps", json!({ "name": "Bad", "chart_kind": "upload", "chart_name": "bad" })).await;
    World { api, server, _folder: folder }
}

impl World {
    async fn add(&self, tag: &str, archive: &[u8]) -> (u16, Value) {
        use base64::Engine as _;
        let archive = base64::engine::general_purpose::STANDARD.encode(archive);
        self.api
            .try_post("/releases", json!({ "app": "Bad", "tag": tag, "archive": archive }))
            .await
    }

    /// What a preview of a chart with this template is told; another call is answered meanwhile.
    async fn preview(&self, tag: &str, template: &str) -> String {
        let (status, added) = self.add(tag, &chart(template)).await;
        assert_eq!(status, 201, "{added:#}");
        let asked = json!({ "release": tag });
        let preview = self.api.try_post("/environments/dev/previews", asked);
        tokio::pin!(preview);
        let mut answered = 0;
        let preview = loop {
            tokio::select! {
                biased;
                done = &mut preview => break done,
                _ = self.api.get("/environments/dev") => answered += 1,
            }
        };
        assert!(answered > 0, "nobody else was answered while {tag} was previewed");
        told(preview)
    }

    /// The most memory that the server ever had, in KiB.
    fn peak(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

fn told((status, answer): (u16, Value)) -> String {
    assert_eq!(status, 422, "{answer:#}");
    let error = &answer["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    format!("{}: {} {}", text("pointer"), text("detail"), text("remedy"))
}

const CHARTFILE: &str = "apiVersion: v2\nname: bad\nversion: 1.0.0\n";

fn chart(template: &str) -> Vec<u8> {
    charts::packed(&[("Chart.yaml", CHARTFILE), ("templates/bad.yaml", template)])
}

/// An entry of a tar: its header, and what of its content is given.
fn entry(kind: tar::EntryType, path: &str, size: usize, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_path(path).unwrap();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let padding = content.len().next_multiple_of(512) - content.len();
    [header.as_bytes(), content, &vec![0; padding]].concat()
}

fn file(path: &str, content: &[u8]) -> Vec<u8> {
    entry(tar::EntryType::Regular, path, content.len(), content)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// An archive of chart `bad` with these entries.
fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[file("bad/Chart.yaml", CHARTFILE.as_bytes()), entries.concat(), vec![0; 1024]].concat())
}

/// An archive with a file of so many MiB of nothing, a few KiB long: gzip streams may follow each other.
fn bomb(mib: usize) -> Vec<u8> {
    bomb_of(tar::EntryType::Regular, mib)
}

fn bomb_of(kind: tar::EntryType, mib: usize) -> Vec<u8> {
    let head = entry(kind, "bad/files/zeros", mib << 20, &[]);
    let nothing = gzip(&vec![0; 1 << 20]);
    let chartfile = file("bad/Chart.yaml", CHARTFILE.as_bytes());
    [gzip(&[chartfile, head].concat()), nothing.repeat(mib), gzip(&[0; 1024])].concat()
}

/// Endless templates and endless output end at their limit, named with the template.
#[tokio::test(flavor = "multi_thread")]
async fn templates_without_end() {
    let world = world(&[
        "--max-render-time",
        "2s",
        "--max-render-output",
        "4MiB",
        "--max-render-memory",
        "64MiB",
    ])
    .await;
    let (status, added) =
        world.add("good", &chart("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n")).await;
    assert_eq!(status, 201, "{added:#}");
    let new = json!({ "name": "dev", "app": "Bad", "kind": "sandbox", "cluster": "lab", "release": "good" });
    let made = world.api.post("/environments", new).await;
    world.api.op_succeeds(&harness::op_of(&made)).await;

    let hostile = [
        ("range", "{{ range $i := 100000000000 }}{{ end }}"),
        (
            "recursion",
            r#"{{ define "a" }}{{ template "b" . }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ if lt (len .) 60 }}{{ template "a" (append . 1) }}{{ end }}{{ end }}{{ template "a" list }}"#,
        ),
        ("output", "{{ range $i := 100000000000 }}a: 12345678901234567890\n{{ end }}"),
        (
            "memory",
            r#"{{ $l := list }}{{ range $i := 100000000000 }}{{ $l = append $l (repeat 1000 "x") }}{{ end }}"#,
        ),
    ];
    let mut refused = Vec::new();
    for (tag, template) in hostile {
        refused.push(format!("{tag} {}", world.preview(tag, template).await));
    }
    insta::assert_snapshot!(refused.join("\n"), @"
    range /release: The chart cannot be used: its templates take longer than 2 seconds (bad/templates/bad.yaml, line 1). Look for a loop or recursion there, or have the server started with a larger --max-render-time.
    recursion /release: The chart cannot be used: the functions in one of its templates make more than 64 MiB (bad/templates/bad.yaml, line 1). Look for what grows there, or have the server started with a larger --max-render-memory.
    output /release: The chart cannot be used: its templates write more than 4 MiB (bad/templates/bad.yaml, line 1). Look for what repeats itself there, or have the server started with a larger --max-render-output.
    memory /release: The chart cannot be used: the functions in one of its templates make more than 64 MiB (bad/templates/bad.yaml, line 1). Look for what grows there, or have the server started with a larger --max-render-memory.
    ");
    assert!(world.peak() < MEMORY, "{} KiB", world.peak());

    // A worker is told the same.
    let deploy = json!({ "release": "range" });
    let started = world.api.post("/environments/dev/deployments", deploy).await;
    let ended = world.api.op_end(&harness::op_of(&started)).await;
    assert_eq!(ended["state"], "failed", "{ended:#}");
    let failed = world.api.get("/environments/dev/deployments/2").await;
    let message = failed["failure"]["message"].as_str().unwrap();
    assert!(message.contains("longer than 2 seconds"), "{failed:#}");
}

/// Archives that are too large, unpack to too much, hold too many files or nest without end are refused
/// when they are added.
#[tokio::test(flavor = "multi_thread")]
async fn archives_without_end() {
    let limits = [
        "--max-chart-archive",
        "8MiB",
        "--max-chart-unpacked",
        "64MiB",
        "--max-chart-files",
        "1000",
    ];
    let world = world(&limits).await;
    let files: Vec<Vec<u8>> = (0..1001).map(|n| file(&format!("bad/files/{n}"), b"")).collect();
    let folder = |n| entry(tar::EntryType::Directory, &format!("bad/files/{n}/"), 0, b"");
    let folders: Vec<Vec<u8>> = (0..1001).map(folder).collect();
    let nested =
        (0..200).fold(archive(&[]), |inner, _| archive(&[file("bad/charts/bad.tgz", &inner)]));
    // Each of these is within the limit by itself.
    let half = bomb(40);
    let halves = ["bad/charts/a.tgz", "bad/charts/b.tgz"].map(|path| file(path, &half));
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(9 << 20).collect();
    let hostile = [
        ("large", archive(&[file("bad/files/noise", &noise)])),
        ("bomb", bomb(4096)),
        ("bombs", archive(&halves)),
        // What stands before a file's header is read into memory, too.
        ("name", bomb_of(tar::EntryType::GNULongName, 4096)),
        ("many", archive(&files)),
        ("folders", archive(&folders)),
        ("nested", nested),
    ];
    let mut refused = Vec::new();
    for (tag, archive) in hostile {
        refused.push(format!("{tag} {}", told(world.add(tag, &archive).await)));
    }
    insta::assert_snapshot!(refused.join("\n"), @"
    large /archive: The chart cannot be used: its archive is larger than 8 MiB. Leave large files out with .helmignore, or have the server started with a larger --max-chart-archive.
    bomb /archive: The chart cannot be used: its files take more than 64 MiB unpacked. Leave large files out with .helmignore, or have the server started with a larger --max-chart-unpacked.
    bombs /archive: The chart cannot be used: its files take more than 64 MiB unpacked. Leave large files out with .helmignore, or have the server started with a larger --max-chart-unpacked.
    name /archive: The chart cannot be used: its files take more than 64 MiB unpacked. Leave large files out with .helmignore, or have the server started with a larger --max-chart-unpacked.
    many /archive: The chart cannot be used: it has more than 1000 files. Leave files out with .helmignore, or have the server started with a larger --max-chart-files.
    folders /archive: The chart cannot be used: it has more than 1000 files. Leave files out with .helmignore, or have the server started with a larger --max-chart-files.
    nested /archive: The chart cannot be used: more than 100 charts lie inside each other. Put sub-charts beside each other.
    ");
    assert!(world.peak() < MEMORY, "{} KiB", world.peak());
}

/// An entry whose name and target stand in it as they are: the library itself would not write some.
fn odd(kind: tar::EntryType, path: &str, target: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path.as_bytes());
    old.linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_size(0);
    header.set_mode(0o777);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Links in an archive lead nowhere: they are empty files. Paths out of the chart are refused.
#[tokio::test(flavor = "multi_thread")]
async fn archives_that_reach_outside() {
    let world = world(&[]).await;
    let (status, added) = world.add("fine", &archive(&[])).await;
    assert_eq!(status, 201, "{added:#}");
    let new = json!({ "name": "dev", "app": "Bad", "kind": "sandbox", "cluster": "lab", "release": "fine" });
    world.api.post("/environments", new).await;
    let template = "{{ fail (printf \"read %q %q\" (.Files.Get \"files/soft\") (.Files.Get \"files/hard\")) }}";
    let links = archive(&[
        odd(tar::EntryType::Symlink, "bad/files/soft", "/etc/passwd"),
        odd(tar::EntryType::Link, "bad/files/hard", "/etc/passwd"),
        file("bad/templates/bad.yaml", template.as_bytes()),
    ]);
    let (status, added) = world.add("links", &links).await;
    assert_eq!(status, 201, "{added:#}");
    let asked = json!({ "release": "links" });
    let preview = told(world.api.try_post("/environments/dev/previews", asked).await);
    assert!(preview.contains("read \"\" \"\""), "{preview}");
    for path in ["bad/../../outside", "bad//etc/outside", "bad/files/../../../outside"] {
        let refused =
            told(world.add("outside", &archive(&[odd(tar::EntryType::Regular, path, "")])).await);
        assert!(refused.starts_with("/archive: "), "{refused}");
    }
}
