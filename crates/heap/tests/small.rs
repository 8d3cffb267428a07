//! A server's heap is as small after large blocks as before them.

use std::hint::black_box;

/// Of a hashed password and a little more.
const BLOCK: usize = 20 << 20;
/// Resident memory is told in pages of this many bytes.
const PAGE: usize = 4 << 10;

fn main() {
    heap::keep_small();
    let before = resident();
    for _ in 0..4 {
        drop(black_box(vec![1_u8; BLOCK]));
    }
    // Without it the C library would have kept one.
    assert!(!cfg!(target_env = "gnu") || resident() < before + BLOCK / 2);
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = sizes.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * PAGE
}
