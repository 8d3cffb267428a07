//! How the binary is linked.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A position-independent executable of this size has 78,000 addresses corrected each time it starts, which takes
    // twice as long as all else before `main` together: 2 ms that every `chart` command would pay. Helm and kubectl are linked
    // at fixed addresses, too; libraries, stack and heap stay at random ones.
    let on = |name: &str| std::env::var(name).unwrap_or_default();
    if on("CARGO_CFG_TARGET_OS") == "linux" && on("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        link_unwinder();
    }
}

/// Links what unwinds the stack into the binary, where the compiler has it as an archive: finding and loading it as a library of its
/// own takes a twelfth of all that a `chart` command of a small chart costs.
fn link_unwinder() {
    const ARCHIVE: &str = "libgcc_eh.a";
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let asked = Command::new(compiler).arg(format!("-print-file-name={ARCHIVE}")).output();
    let Ok(answer) = asked else { return };
    // A compiler that has none answers the bare name.
    let path = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    if let Some(folder) = path.parent().filter(|folder| folder.is_absolute()) {
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}
