//! A server's heap is as small after large blocks as before them, and as small when it is quiet as before it worked.

use std::hint::black_box;
use std::time::{Duration, Instant};

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
    what_is_free_between_blocks();
}

/// The C library gives back what is free at the heap's end alone, and there is something behind it here.
fn what_is_free_between_blocks() {
    if !cfg!(target_env = "gnu") {
        return;
    }
    let before = resident();
    let mut small: Vec<Vec<u8>> = Vec::new();
    let began = Instant::now();
    // Work that is worth giving something back after.
    while small.len() < 3_000 || began.elapsed() < Duration::from_millis(400) {
        let block = vec![1_u8; BLOCK / 1_000];
        if small.len() < 3_000 {
            small.push(block);
        }
    }
    let last = small.pop();
    drop(black_box(small));
    assert!(resident() > before + 2 * BLOCK);
    heap::give_back_when_quiet(|| ());
    let until = Instant::now() + Duration::from_secs(20);
    while resident() > before + BLOCK / 2 {
        assert!(Instant::now() < until, "nothing was given back");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(last);
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = sizes.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * PAGE
}
