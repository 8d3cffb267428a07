//! How the binary is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A position-independent executable of this size has 78,000 addresses corrected each time it starts, which takes
    // twice as long as all else before `main` together: 2 ms that every `chart` command would pay. Helm and kubectl are linked
    // at fixed addresses, too; libraries, stack and heap stay at random ones.
    let on = |name: &str| std::env::var(name).unwrap_or_default();
    if on("CARGO_CFG_TARGET_OS") == "linux" && on("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
