//! Bounds on what one input may take. An input is a few kilobytes; what takes seconds, a gigabyte or
//! more stack than a server's thread has is a finding.

use std::alloc::System;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use cap::Cap;
use cpu_time::ProcessTime;

/// Memory of the whole process, in bytes. What would be more fails to allocate, which ends the process.
const MEMORY: usize = 1 << 30;

/// Processor time after which an input is asked to stop, as a server would ask.
const PATIENCE: Duration = Duration::from_secs(1);

/// Processor time after which an input is a finding: it did not heed the request, or took none. Counters in
/// every branch and checked arithmetic make the program several times slower than it is: one unlucky search for the primes
/// of a 4,096-bit key, which nothing interrupts, was seen to take seven seconds instead of one.
const LIMIT: Duration = Duration::from_secs(15);

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(100);

/// The stack of the thread an input runs on, in bytes: what threads of Rust's library and of tokio have.
const STACK: usize = 2 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);

/// Where the input being run is noted down, because a stack overflow leaves no time for it.
static NOTE: LazyLock<Option<std::ffi::OsString>> =
    LazyLock::new(|| std::env::var_os("LANDFALL_FUZZ_NOTE"));

/// Runs `body` on a small stack, and panics if it takes too long. The flag it is given is set when it should
/// come to an end; bodies that cannot be stopped ignore it.
pub fn within_bounds(input: &[u8], body: impl FnOnce(&Arc<AtomicBool>) + Send) {
    if let Some(note) = &*NOTE {
        let _ = std::fs::write(note, input);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let begun = ProcessTime::now();
    std::thread::scope(|scope| {
        let (done, ended) = channel::<()>();
        let flag = Arc::clone(&stop);
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
            body(&flag);
            drop(done);
        });
        let worker = worker.expect("a thread can be started");
        while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if begun.elapsed() > PATIENCE {
                stop.store(true, Ordering::Relaxed);
            }
        }
        worker.join().expect("a panic ends the process before this");
    });
    let took = begun.elapsed();
    assert!(took < LIMIT, "the input took {took:?} of processor time");
}
