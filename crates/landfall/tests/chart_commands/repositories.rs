//! Chart repositories over HTTP: named in repositories.yaml, by alias, by address, with and without a password.

use std::path::Path;

use crate::pair::{Pair, write};
use crate::web::Web;

const PASSWORD: &str = "username: ana\n  password: secret\n";

/// `ana:secret`
const AUTHORIZATION: &str = "Basic YW5hOnNlY3JldA==";

/// An open repository with charts `lib` 1.0.0, 1.2.0, 2.0.0-rc.1 and `tool` 0.3.0, and a closed one with `lib` 3.0.0
/// whose index has absolute addresses.
struct Repositories {
    open: Web,
    closed: Web,
}

impl Repositories {
    fn start(pair: &Pair) -> Self {
        let (open, closed) = (Web::start(None), Web::start(Some(AUTHORIZATION)));
        let package = |name: &str, version: &str, folder: &Path| {
            let source = folder.join("source");
            let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
            write(&source.join("Chart.yaml"), chart.as_bytes());
            write(&source.join("templates/a.yaml"), format!("kind: {name}\n").as_bytes());
            let to = folder.join("charts");
            let arguments = ["package", source.to_str().unwrap(), "-d", to.to_str().unwrap()];
            assert!(pair.helm(&arguments).status.success());
        };
        for (name, version) in
            [("lib", "1.0.0"), ("lib", "1.2.0"), ("lib", "2.0.0-rc.1"), ("tool", "0.3.0")]
        {
            package(name, version, open.folder.path());
        }
        package("lib", "3.0.0", closed.folder.path());
        let index = |web: &Web, rest: &[&str]| {
            let folder = web.folder.path().to_str().unwrap();
            assert!(pair.helm(&[&["repo", "index", folder], rest].concat()).status.success());
        };
        index(&open, &[]);
        index(&closed, &["--url", &closed.address]);
        Self { open, closed }
    }

    /// repositories.yaml with both.
    fn named(&self) -> String {
        format!(
            "apiVersion: \"\"\nrepositories:\n- name: open\n  url: {}/\n- name: closed\n  url: {}\n  {PASSWORD}",
            self.open.address, self.closed.address
        )
    }
}

fn chart(name: &str, dependencies: &[String]) -> String {
    let list = dependencies.join("\n");
    format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\ndependencies:\n{list}\n")
}

fn dependency(name: &str, version: &str, repository: &str) -> String {
    format!("- {{name: {name}, version: \"{version}\", repository: \"{repository}\"}}")
}

/// Dependencies of a chart from repositories that are known, by alias and by address.
#[test]
fn dependencies_of_known_repositories() {
    let pair = Pair::of(&[]);
    let web = Repositories::start(&pair);
    let lib = dependency("lib", "^1", "@open");
    let tool = dependency("tool", ">0", &web.open.address);
    let closed = dependency("lib", "*", "alias:closed");
    pair.write("good/Chart.yaml", chart("good", &[lib.clone(), tool, lib.clone()]));
    pair.write("good/charts/old-1.0.0.tgz", "not an archive");
    pair.write("closed/Chart.yaml", chart("closed", &[closed]));
    pair.write("none/Chart.yaml", chart("none", &[dependency("nope", "*", "@open")]));
    pair.write("late/Chart.yaml", chart("late", &[dependency("lib", ">9", "@open")]));
    pair.write("odd/Chart.yaml", chart("odd", &[dependency("lib", ">9", "@other")]));
    let all = |flags: &[&str]| {
        for name in ["good", "closed", "none", "late", "odd"] {
            for command in ["update", "build", "list"] {
                let flags = if command == "list" { &[] } else { flags };
                pair.assert_same(&[&["dependency", command, name], flags].concat());
            }
        }
        pair.assert_same_files();
    };
    // Nobody knows the names yet, then the indexes are not there, then they are.
    all(&[]);
    pair.write_at_home("repositories.yaml", web.named());
    all(&["--skip-refresh"]);
    all(&[]);
    all(&["--skip-refresh"]);
    pair.assert_same(&["template", "good"]);
    pair.assert_same(&["package", "good", "-u"]);
    // A lock that asks for what is gone.
    std::fs::remove_file(web.open.folder.path().join("charts/lib-1.2.0.tgz")).unwrap();
    pair.assert_same(&["dependency", "build", "good"]);
    pair.write_at_home("repositories.yaml", "apiVersion: \"\"\nrepositories: []\n");
    pair.assert_same(&["dependency", "build", "good"]);
    pair.assert_same_files();
}

/// Dependencies whose repositories nobody named.
#[test]
fn dependencies_of_other_repositories() {
    let pair = Pair::of(&[]);
    let web = Repositories::start(&pair);
    let at = |repository: &str| chart("top", &[dependency("lib", "~1.0", repository)]);
    pair.write("top/Chart.yaml", at(&web.open.address));
    pair.write("nowhere/Chart.yaml", at(&format!("{}/nowhere", web.open.address)));
    pair.write("locked/Chart.yaml", at(&web.closed.address));
    for name in ["top", "nowhere", "locked"] {
        for command in ["update", "build"] {
            pair.assert_same(&["dependency", command, name]);
            pair.assert_same(&["dependency", command, name, "--skip-refresh"]);
        }
    }
    pair.assert_same(&["template", "top", "--dependency-update"]);
    pair.assert_same_files();
}

/// Charts by `REPOSITORY/NAME`, which the downloaded index resolves, and by addresses that it lists.
#[test]
fn charts_by_name() {
    let pair = Pair::of(&[]);
    let web = Repositories::start(&pair);
    pair.assert_same(&["show", "chart", "open/lib"]);
    pair.write_at_home("repositories.yaml", web.named());
    pair.assert_same(&["show", "chart", "open/lib"]);
    pair.assert_same(&["show", "chart", &format!("{}/charts/lib-1.0.0.tgz", web.open.address)]);
    for (name, repository) in [("open", &web.open), ("closed", &web.closed)] {
        let index = std::fs::read(repository.folder.path().join("index.yaml")).unwrap();
        pair.write_at_home(&format!("repository/{name}-index.yaml"), index);
    }
    for flags in
        [&[][..], &["--version", "^1"], &["--devel"], &["--version", "9"], &["--version", "!"]]
    {
        pair.assert_same(&[&["show", "chart", "open/lib"], flags].concat());
        pair.assert_same(&[&["template", "rel", "closed/lib"], flags].concat());
    }
    let closed = format!("{}/charts/lib-3.0.0.tgz", web.closed.address);
    for chart in ["open/none", "other/lib", "open/", "lib", &closed] {
        pair.assert_same(&["pull", chart]);
    }
    pair.assert_same(&["pull", "closed/lib", "open/tool"]);
    pair.assert_same(&["pull", "open/tool", "--untar"]);
    pair.assert_same_files();
}

/// Charts of a repository whose address is given.
#[test]
fn charts_of_an_address() {
    let pair = Pair::of(&[]);
    let web = Repositories::start(&pair);
    let nowhere = format!("{}/nowhere", web.open.address);
    for repository in [&web.open.address, &web.closed.address, &nowhere] {
        for chart in ["lib", "none"] {
            let of = |flags: &[&str]| {
                let place = ["show", "chart", chart, "--repo", repository];
                pair.assert_same(&[&place, flags].concat());
            };
            of(&[]);
            of(&["--version", "1.0.0"]);
            of(&["--version", "7"]);
            of(&["--username", "ana", "--password", "secret"]);
            of(&["--username", "ana", "--password", "wrong"]);
            of(&["--username", "ana"]);
        }
    }
    pair.assert_same(&["pull", "lib", "--repo", "ftp://127.0.0.1/charts"]);
    pair.assert_same(&["pull", "lib", "--repo", &web.open.address, "--devel"]);
    pair.assert_same_files();
}
