//! Work on vectors, spread over the cores in pieces large enough to be worth it.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::sync::OnceLock;

/// Below this many items per piece, starting a task costs more than it brings.
const SMALLEST: usize = 32;

/// Pieces for each core: many, so that all end together although none is as fast as another.
const PIECES: usize = 32;

thread_local! {
    static ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// What the calling thread asks `run` for is done, from now on, by threads that do nothing else: the system shares the
/// cores between both, and nobody else's short call waits for the end of a long one.
pub fn work_aside() {
    ASIDE.set(true);
}

/// `work` where the calling thread wants it done.
pub fn run<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let pool = || POOL.get_or_init(|| ThreadPoolBuilder::new().build().ok()).as_ref();
    match ASIDE.get().then(pool).flatten() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// The length of a piece when `count` items go to all cores.
pub fn piece(count: usize) -> usize {
    let threads = rayon::current_num_threads().max(1);
    count.div_ceil(PIECES * threads).max(SMALLEST)
}

/// `work` on every item, in order.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    items.par_iter().with_min_len(piece(items.len())).map(work).collect()
}

/// `work` on every pair of items, in order. Both slices have one length.
pub fn map2<A: Sync, B: Sync, R: Send>(left: &[A], right: &[B], work: impl Fn(&A, &B) -> R + Sync + Send) -> Vec<R> {
    let size = piece(left.len());
    left.par_iter().zip(right.par_iter()).with_min_len(size).map(|(a, b)| work(a, b)).collect()
}
