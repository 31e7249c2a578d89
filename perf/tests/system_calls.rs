//! What the shard's thread asks the kernel for while orders pass: nothing.
//!
//! The kernel itself watches: in the middle of its work the shard's thread puts a seccomp filter on itself, which
//! hands every call of the system to a signal handler instead of carrying it out. Allowed is only reading the clock,
//! where the kernel cannot offer that without a call. Nothing needs a privilege. With disk durability there is one call more: the one that wakes a
//! flusher that sleeps.
//!
//! A process of its own: its signal handler and its seccomp filter are the process's.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(unsafe_code, reason = "a seccomp filter and a signal handler are set up through C functions")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::{Clock, Idle, SystemClock};
use model::Timestamp;

use common::life::End;

/// How many calls were caught, and which was the last.
static CAUGHT: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicI32 = AtomicI32::new(-1);

/// What the shard's thread shall do the next time it asks for the time.
const GO_ON: u8 = 0;
const WATCH: u8 = 1;
const WATCHED: u8 = 2;
const CALL: u8 = 3;
const UNWATCHED: u8 = 4;

/// Only the shard's thread reads it: so what is done here is done on that thread.
struct WatchingClock(Arc<AtomicU8>);

impl Clock for WatchingClock {
    fn now(&self) -> Timestamp {
        match self.0.load(Ordering::Acquire) {
            WATCH => self.0.store(if watch_this_thread() { WATCHED } else { UNWATCHED }, Ordering::Release),
            CALL => {
                let _ = rustix::process::getppid();
                self.0.store(GO_ON, Ordering::Release);
            }
            _ => {}
        }
        SystemClock.now()
    }
}

/// The clock, and the return from the signal handler.
const ALLOWED: [libc::c_long; 2] = [libc::SYS_rt_sigreturn, libc::SYS_clock_gettime];

/// Every other call of this thread is caught from here on; false where the kernel does not offer it.
fn watch_this_thread() -> bool {
    let statement =
        |code: u32, k: u32| libc::sock_filter { code: u16::try_from(code).unwrap(), jt: 0, jf: 0, k };
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
    for (index, number) in ALLOWED.iter().enumerate() {
        let to_the_end = u8::try_from(ALLOWED.len() - index).unwrap();
        let code = u16::try_from(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K).unwrap();
        filter.push(libc::sock_filter { code, jt: to_the_end, jf: 0, k: u32::try_from(*number).unwrap() });
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_TRAP));
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_mut_ptr() };
    // SAFETY: the program and its statements outlive the calls, which copy them, and it ends in a return on every
    // path. Fails: the test below, in which a call must be caught.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}

extern "C" fn caught(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // siginfo_t of SIGSYS, sigaction(2): signal, errno, code, padding, the calling address, then the call's number.
    // SAFETY: the kernel gives a whole siginfo_t, of 128 bytes. Fails: the test, which prints the call it caught.
    let number = unsafe { info.cast::<i32>().add(6).read() };
    LAST.store(number, Ordering::Relaxed);
    CAUGHT.fetch_add(1, Ordering::Release);
}

fn handle_caught_calls() {
    // SAFETY: all zeros are a valid sigaction; the handler only stores to atomics, which a signal handler may.
    // Fails: the test, in which a call must be caught.
    let installed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = caught as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut())
    };
    assert_eq!(installed, 0);
}

fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !happened() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn live_each(rig: &mut common::Rig) {
    for end in [End::Filled, End::Canceled, End::Replaced, End::Expired] {
        rig.live(end);
    }
}

#[test]
fn an_order_calls_nothing_of_the_system() {
    const ORDERS: u64 = 30_000;
    /// Of each kind, to the end: together with those before no more than what fits the first shelves.
    const LIVES: u64 = 150;
    handle_caught_calls();
    let (dir, wish) = (tempfile::tempdir().unwrap(), Arc::new(AtomicU8::new(GO_ON)));
    // What spins never sleeps: the calls of a sleep are not the path's.
    // The filter stays on the thread for good, and it cannot end without calls: it ends with the process.
    let mut rig = ManuallyDrop::new(common::rig(dir.path(), Idle::Spin, WatchingClock(Arc::clone(&wish))));
    // Each account meets its instruments and the dates on which they settle: only the first time has a book grow.
    (0..64).for_each(|_| live_each(&mut rig));
    rig.trade(1_000);
    wish.store(WATCH, Ordering::Release);
    wait_until("the filter", || wish.load(Ordering::Acquire) != WATCH);
    if wish.load(Ordering::Acquire) == UNWATCHED {
        println!("skipped: this kernel offers no seccomp filters");
        return;
    }
    rig.trade(ORDERS);
    for number in 0..LIVES {
        live_each(&mut rig);
        rig.mark(number);
    }
    rig.reconnect();
    let calls = CAUGHT.load(Ordering::Acquire);
    assert_eq!(calls, 0, "{ORDERS} orders; the last call was number {}", LAST.load(Ordering::Relaxed));

    // One that is made is caught: the test can fail.
    wish.store(CALL, Ordering::Release);
    wait_until("the call", || wish.load(Ordering::Acquire) == GO_ON);
    assert_eq!(CAUGHT.load(Ordering::Acquire), 1);
    assert_eq!(i64::from(LAST.load(Ordering::Relaxed)), libc::SYS_getppid);
    println!(
        "{ORDERS} orders, {LIVES} whole lives of each kind: no call of the system; one made on purpose was caught"
    );
}
