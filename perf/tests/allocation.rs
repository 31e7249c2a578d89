//! What the shard's thread allocates for an order, from its submission to its last report: nothing.
//!
//! Orders, requests and executions stay in the state, so its tables grow; what they grow by is made ahead on another
//! thread. What is left are the lists of those pieces, a pointer for hundreds of orders, which double ever more rarely.
//!
//! A process of its own: it counts allocations with an allocator of its own.
#![allow(unsafe_code, reason = "a counting allocator must implement an unsafe trait")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;
#[path = "common/days.rs"]
mod days;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::{Provision, Want};
use engine::{Clock, Idle, SystemClock};
use model::Timestamp;

use common::life::End;
use days::Days;

thread_local! {
    static IS_SHARD: Cell<bool> = const { Cell::new(false) };
}
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
/// Of all threads: the largest so far, and how many were of [`WATCHED`] bytes.
static LARGEST: AtomicUsize = AtomicUsize::new(0);
static WATCHED: AtomicUsize = AtomicUsize::new(0);
static SEEN: AtomicU64 = AtomicU64::new(0);
/// Of all threads: bytes that are not given back.
static LIVE: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: hands everything to the system's allocator unchanged. Counting reads a constant-initialised thread-local
// and adds to atomics, none of which allocates. Fails: any test of this program.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        LIVE.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        LIVE.fetch_add(new_size as u64, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: usize) {
    if IS_SHARD.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
    LARGEST.fetch_max(bytes, Ordering::Relaxed);
    SEEN.fetch_add(u64::from(bytes == WATCHED.load(Ordering::Relaxed)), Ordering::Relaxed);
}

/// Only the shard's thread reads the clock: that is how its allocations are told from those of others.
struct MarkingClock;

impl Clock for MarkingClock {
    fn now(&self) -> Timestamp {
        IS_SHARD.set(true);
        SystemClock.now()
    }
}

/// What the shard's thread allocated while `step` ran so many times: in all, and in how many of them anything.
fn allocated(times: u64, mut step: impl FnMut(u64)) -> Allocated {
    // Whoever starts a shard reads its clock once; from here on only the shard's thread does.
    IS_SHARD.set(false);
    let mut seen = Allocated { times, ..Allocated::default() };
    for number in 0..times {
        let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        step(number);
        let grown = ALLOCATIONS.load(Ordering::Relaxed) - before.0;
        seen.loud += u64::from(grown > 0);
        seen.allocations += grown;
        seen.bytes += BYTES.load(Ordering::Relaxed) - before.1;
    }
    assert!(IS_SHARD.try_with(|is| !is.get()).unwrap(), "the test's own thread is not counted");
    seen
}

#[derive(Debug, Default)]
struct Allocated {
    times: u64,
    loud: u64,
    allocations: u64,
    bytes: u64,
}

impl std::fmt::Display for Allocated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { times, loud, allocations, bytes } = self;
        write!(f, "{allocations} allocations of {bytes} bytes in {loud} of {times}")
    }
}

/// The counters are of the whole program: one at a time.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn an_order_allocates_nothing() {
    const WARM_UP: u64 = 5_000;
    const ORDERS: u64 = 25_000;
    const MOST: u64 = 24;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let mut rig = common::rig(dir.path(), Idle::Yield, MarkingClock);
    rig.trade(WARM_UP);
    let seen = allocated(ORDERS, |_| rig.trade(1));
    println!("orders: {seen}");
    // Lists of pages, of segments of names and of places that were left double a few times between 5,000 and 30,000
    // orders, and a segment of the journal that begins sends two jobs to its preparer.
    assert!(seen.allocations > 0, "that must have been seen, or nothing was counted");
    assert!(seen.allocations <= MOST, "{seen}");
    rig.shard.stop().unwrap();
}

/// Lists of pieces, as above: none of the tables themselves, the smallest of which doubles in a hundred times as much.
const LISTS: u64 = 16;
const LISTS_BYTES: u64 = 4 * 1024;

fn lives(end: End) {
    const WARM_UP: u64 = 300;
    const ORDERS: u64 = 1_000;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let supplied = watch_for_supplies();
    let mut rig = common::rig(dir.path(), Idle::Yield, MarkingClock);
    // Every account has met every instrument by then, and has had something to settle on every date.
    (0..WARM_UP).for_each(|_| rig.live(end));
    let deadline = Instant::now() + Duration::from_mins(1);
    while !supplied() {
        rig.live(end);
        assert!(Instant::now() < deadline, "the memory is not made");
    }
    let seen = allocated(ORDERS, |_| rig.live(end));
    println!("{end:?}: {seen}");
    assert!(seen.allocations <= LISTS && seen.bytes <= LISTS_BYTES, "{end:?}: {seen}");
    rig.shard.stop().unwrap();
}

/// Tells whether everything was made ahead once: enough for all that is measured, so that it does not matter how soon a
/// busy machine lets the maker make more. What is wanted last is known by the size of its list.
fn watch_for_supplies() -> impl Fn() -> bool {
    LARGEST.store(0, Ordering::Relaxed);
    drop(Provision::new(Want::Dates));
    WATCHED.store(LARGEST.load(Ordering::Relaxed), Ordering::Relaxed);
    let before = SEEN.load(Ordering::Relaxed);
    move || SEEN.load(Ordering::Relaxed) > before
}

#[test]
fn executions_allocate_nothing() {
    lives(End::Filled);
}

#[test]
fn cancels_allocate_nothing() {
    lives(End::Canceled);
}

#[test]
fn replaces_allocate_nothing() {
    lives(End::Replaced);
}

#[test]
fn an_expiry_allocates_nothing() {
    lives(End::Expired);
}

#[test]
fn marks_and_sessions_allocate_nothing() {
    const TIMES: u64 = 300;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let mut rig = common::rig(dir.path(), Idle::Yield, MarkingClock);
    // With positions to value, and orders that are in doubt while nobody is connected.
    (0..50).for_each(|_| rig.live(End::Filled));
    rig.trade(50);
    (0..10).for_each(|number| rig.mark(number));
    rig.reconnect();
    let marks = allocated(TIMES, |number| rig.mark(10 + number));
    let sessions = allocated(TIMES, |_| rig.reconnect());
    println!("marks: {marks}; sessions: {sessions}");
    assert_eq!((marks.allocations, sessions.allocations), (0, 0));
    rig.shard.stop().unwrap();
}

/// Once as many days have passed as executions are remembered, a day needs no more than what the one before gave back.
#[test]
fn a_day_like_those_before_allocates_nothing() {
    const ORDERS: u32 = 400;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut days = Days::new(|works| IS_SHARD.set(works));
    let first = allocated(24, |_| days.day(ORDERS));
    assert!(first.allocations > 0, "the first days fill the tables, or nothing was counted");
    let seen = allocated(16, |_| days.day(ORDERS));
    println!("days of {ORDERS} orders: {seen}");
    // None at all was seen; the map of days may need a node for some of them.
    assert!(seen.allocations <= 4, "{seen}");
}

fn live() -> u64 {
    LIVE.load(Ordering::Relaxed)
}

/// Three years of orders and cash end in the memory that their first months took: what is retired is forgotten, at the
/// latest after the time that the firm said, and its memory is used again.
#[test]
fn a_long_history_ends_in_the_memory_it_began_with() {
    const DAYS: usize = 1_000;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut days = Days::new(|_| ());
    days.remember(30, 40);
    let mut by_day = Vec::with_capacity(DAYS);
    for _ in 0..DAYS {
        days.cash(40);
        days.day(40);
        by_day.push(live());
    }
    let most_of = |days: &[u64]| days.iter().copied().max().unwrap();
    let (early, late) = (most_of(&by_day[60..160]), most_of(&by_day[DAYS - 100..]));
    println!(
        "a long history: {early} bytes in its first months, {late} at its end, {} ids",
        days.remembered_ids()
    );
    assert_eq!(days.remembered_ids(), 29 * 40);
    assert!(late <= early + early / 100, "from {early} to {late} bytes");
}

/// What one more identifier costs, as the documents say.
#[test]
fn an_identifier_that_is_remembered_takes_some_thirty_bytes() {
    const DAYS: u32 = 60;
    const ORDERS: u32 = 400;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = |orders_days: u16| {
        let before = live();
        let mut days = Days::new(|_| ());
        days.remember(orders_days, 400);
        (0..DAYS).for_each(|_| days.day(ORDERS));
        (live() - before, days.remembered_ids())
    };
    let ((plain, none), (with, ids)) = (taken(1), taken(366));
    let bytes = (with - plain) / ids;
    println!("{ids} identifiers: {bytes} bytes each");
    assert_eq!((none, ids), (0, u64::from((DAYS - 1) * ORDERS)));
    assert!((16..=44).contains(&bytes), "{bytes} bytes each");
}
