//! How the C library keeps the heap: in large pages for a process that does one thing and ends, small for a server.
//!
//! Memory that is touched for the first time costs a trap into the kernel for each page of 4 KiB, 1 to 3 µs on a virtual
//! machine: up to a third of a cold render. Large pages take a five-hundredth of the traps. The C library asks for them
//! only where an environment variable says so before the process starts, and grows its heap in small steps; this crate
//! does both for a running process. It is the one place in Landfall that calls C by hand, and the only one with `unsafe`.
//!
//! That is not for a server: memory is held in pieces of 2 MiB and not given back. A server's heap is kept small instead
//! ([`keep_small`]): the C library gives each thread a part of its own, eight for each processor, and what one has freed no
//! other uses; and once it has seen a large block freed, such as the 19 MiB in which a password is hashed, it keeps room for
//! the next one for good. What is free between blocks that are in use it never gives back by itself: a server that has become quiet
//! asks for that.

/// Lets the heap grow by this much at once. Address space, not memory: what is not touched costs nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GROWTH: usize = 64 << 20;
/// What is larger than this the C library maps by itself, whatever it is told.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGEST: std::ffi::c_int = 32 << 20;
/// More than a heap has left that has not begun to grow in large steps: what it grows by otherwise, and a little.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MORE_THAN_LEFT: usize = 256 << 10;
/// The size of an ordinary page.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SMALL_PAGE: usize = 4 << 10;
/// The size of a large page on the processors that have them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_PAGE: usize = 2 << 20;

/// Parts of a server's heap at most, however many processors there are.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const PARTS_MOST: usize = 4;

/// What is as large as this goes back to the system as soon as it is freed, and so does as much at the heap's end.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GIVEN_BACK: std::ffi::c_int = 4 << 20;

/// How often a process looks whether it has become quiet.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);
/// Less processor time than this between two looks is quiet.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const QUIET: std::time::Duration = std::time::Duration::from_millis(20);
/// Less work than this leaves nothing that is worth being given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const WORK: std::time::Duration = std::time::Duration::from_millis(200);

/// Each time this process has worked and become quiet, frees what is kept for the next work (`free`) and gives what is free in
/// the heap back to the system, from a thread of its own. It takes some milliseconds, in which others that want memory wait.
/// Elsewhere nothing happens.
pub fn give_back_when_quiet(free: impl Fn() + Send + 'static) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // Without the thread more memory is held, and nothing else is amiss.
    drop(
        std::thread::Builder::new()
            .name("heap".to_owned())
            .spawn(move || linux::give_back_when_quiet(free)),
    );
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    drop(free);
}

/// Keeps the heap of this process small: large blocks go back to the system when they are freed, and all threads share one
/// part of it for every two processors, unless the C library's own `MALLOC_ARENA_MAX` says otherwise. Threads seldom
/// allocate at the same moment, and nobody waits long. Elsewhere nothing happens. To be called before threads are started.
pub fn keep_small() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    linux::keep_small(std::env::var_os("MALLOC_ARENA_MAX").is_none());
}

/// Lets the heap of this process consist of large pages from now on, where the system has them. Elsewhere nothing
/// happens. To be called by the main thread, whose heap it is, before others are started; what goes wrong leaves things as
/// they are.
pub fn use_large_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    linux::use_large_pages();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)] // The crate exists for these calls.
mod linux {
    use std::ffi::c_int;
    use std::hint::black_box;
    use std::time::Duration;

    use super::{
        GIVEN_BACK, GROWTH, LARGE_PAGE, LARGEST, LOOK, MORE_THAN_LEFT, PARTS_MOST, QUIET,
        SMALL_PAGE, WORK,
    };

    pub(super) fn give_back_when_quiet(free: impl Fn()) {
        let (mut given_back_at, mut looked_at) = (Duration::ZERO, Duration::ZERO);
        loop {
            std::thread::sleep(LOOK);
            let worked = processor_time();
            let quiet = worked.saturating_sub(looked_at) < QUIET;
            looked_at = worked;
            if quiet && worked.saturating_sub(given_back_at) >= WORK {
                free();
                // SAFETY: it may be called at any time.
                unsafe { libc::malloc_trim(0) };
                given_back_at = processor_time();
            }
        }
    }

    /// What this process has used of processors' time.
    fn processor_time() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the clock is there, and its answer has a place.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    }

    pub(super) fn keep_small(shared: bool) {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let parts = c_int::try_from((processors / 2).clamp(1, PARTS_MOST)).unwrap_or(1);
        let parts = shared.then_some((libc::M_ARENA_MAX, parts));
        // Once either is set, the C library no longer adapts it to what was freed last.
        let given_back =
            [(libc::M_MMAP_THRESHOLD, GIVEN_BACK), (libc::M_TRIM_THRESHOLD, GIVEN_BACK)];
        for (parameter, value) in parts.into_iter().chain(given_back) {
            // SAFETY: `mallopt` takes any numbers, and answers 0 to what it does not accept.
            unsafe { libc::mallopt(parameter, value) };
        }
    }

    pub(super) fn use_large_pages() {
        let Ok(growth) = c_int::try_from(GROWTH) else { return };
        let Some(before) = heap_end() else { return };
        for (parameter, value) in [
            (libc::M_TOP_PAD, growth),
            (libc::M_TRIM_THRESHOLD, c_int::MAX),
            // Large texts come from the heap, too, and all threads share it.
            (libc::M_MMAP_THRESHOLD, LARGEST),
            (libc::M_ARENA_MAX, 1),
        ] {
            // SAFETY: `mallopt` takes any numbers, and answers 0 to what it does not accept.
            unsafe { libc::mallopt(parameter, value) };
        }
        // More than the heap has left: it grows.
        let mark = black_box(Vec::<u8>::with_capacity(MORE_THAN_LEFT));
        let Some(after) = heap_end() else { return };
        // What the C library wrote beyond the block has made its page a small one, and with it the large page it is in.
        let used = (mark.as_ptr().addr() + mark.capacity() + SMALL_PAGE).max(before);
        let first = used.next_multiple_of(LARGE_PAGE);
        let Some(length) = after.checked_sub(first).filter(|length| *length >= LARGE_PAGE) else {
            return;
        };
        // SAFETY: the range lies between two ends of the heap, so it is mapped, and the advice changes nothing in it.
        unsafe { libc::madvise(first as *mut libc::c_void, length, libc::MADV_HUGEPAGE) };
        // What lies before is left alone from now on: it costs nothing, and everything new comes from large pages.
        let left = (first - used).saturating_sub(SMALL_PAGE);
        std::mem::forget(black_box(Vec::<u8>::with_capacity(left)));
        std::mem::forget(mark);
    }

    /// Where the heap ends; nothing if it has none.
    fn heap_end() -> Option<usize> {
        // SAFETY: growing by nothing changes nothing.
        let end = unsafe { libc::sbrk(0) };
        (end.addr() != usize::MAX).then_some(end.addr())
    }
}
