//! Large pages are wanted for the heap of a process, which can still be used.

use std::path::Path;

fn main() {
    heap::use_large_pages();
    let texts: Vec<String> = (0..10_000).map(|number| number.to_string().repeat(10)).collect();
    assert!(texts[9_999].starts_with("9999"));
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    // A kernel without large pages marks nothing.
    let known = Path::new("/sys/kernel/mm/transparent_hugepage").exists();
    let marked = |line: &str| line.starts_with("VmFlags:") && line.contains(" hg");
    assert_eq!(maps.lines().any(marked), known && cfg!(target_env = "gnu"), "{maps}");
}
