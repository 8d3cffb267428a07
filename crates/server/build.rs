//! Says in one sentence what to do when the browser side has not been built.

fn main() {
    let dist = std::path::Path::new("../../web/dist");
    println!("cargo::rerun-if-changed=../../web/dist");
    if !dist.join("manifest.json").is_file() {
        println!(
            "cargo::error=web/dist is missing. Build the browser side first: \
             npm --prefix web ci && npm --prefix web run build"
        );
    }
}
