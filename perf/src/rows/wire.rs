//! The floor of every FIX session: a message to another thread over loopback TCP and back, both polling.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::PerfError;
use crate::lab::{Lab, Pinned};
use crate::row::{Floor, Row};
use crate::samples::Samples;
use crate::ticks::now_ns;

/// About a `NewOrderSingle`.
const MESSAGE_BYTES: usize = 180;
const BLOCKING: &str =
    "the same with both ends asleep in the kernel until data is there: what a thread's waking up costs";
const NOTE: &str =
    "180 bytes there and back over loopback TCP, NODELAY, both ends busy polling on cores of their own";

pub(crate) fn echo(lab: &mut Lab) -> Result<(), PerfError> {
    let best = lab.best_of(|| echoes(lab, Listening::Polling))?;
    lab.rows.push(Row::new("wire.echo", best, NOTE));
    blocking_echo(lab).map(drop)
}

/// What two threads that sleep in the kernel between messages need for one there and back.
pub(crate) fn blocking_echo(lab: &mut Lab) -> Result<Floor, PerfError> {
    lab.floor("wire.echo.blocking", BLOCKING, |lab| lab.best_of(|| echoes(lab, Listening::Asleep)))
}

/// What an end does until data is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listening {
    Polling,
    Asleep,
}

fn echoes(lab: &Lab, waiting: Listening) -> Result<Samples, PerfError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(PerfError::io("listen"))?;
    let address = listener.local_addr().map_err(PerfError::io("listen"))?;
    let mut near = TcpStream::connect(address).map_err(PerfError::io("connect"))?;
    let (mut far, _) = listener.accept().map_err(PerfError::io("accept"))?;
    for stream in [&near, &far] {
        stream.set_nodelay(true).map_err(PerfError::io("set NODELAY"))?;
        stream
            .set_nonblocking(waiting == Listening::Polling)
            .map_err(PerfError::io("set a socket to polling"))?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let echo = std::thread::spawn({
        let (stop, core) = (Arc::clone(&stop), lab.far_core());
        move || {
            let _pinned = Pinned::to(core);
            let mut message = [0; MESSAGE_BYTES];
            while read_whole(&mut far, &mut message, &stop)? {
                far.write_all(&message)?;
            }
            Ok::<_, std::io::Error>(())
        }
    });
    let samples = round_trips(lab, &mut near);
    stop.store(true, Ordering::Relaxed);
    // Wakes one that sleeps.
    drop(near);
    let echoed = echo.join().map_err(|_| PerfError::Unexpected("the echoing thread died".to_owned()))?;
    echoed.map_err(PerfError::io("echo"))?;
    samples
}

fn round_trips(lab: &Lab, near: &mut TcpStream) -> Result<Samples, PerfError> {
    let _pinned = lab.pinned();
    let (never, mut samples) = (AtomicBool::new(false), Samples::new());
    let mut message = [b'x'; MESSAGE_BYTES];
    let count = lab.sized(20_000, 100_000);
    for turn in 0..count + count / 10 {
        let start = now_ns();
        near.write_all(&message).map_err(PerfError::io("send"))?;
        if !read_whole(near, &mut message, &never).map_err(PerfError::io("receive"))? {
            return Err(PerfError::Unexpected("the echoing thread hung up".to_owned()));
        }
        if turn >= count / 10 {
            samples.record(now_ns() - start);
        }
    }
    Ok(samples)
}

/// Reads until `message` is full; false where it is told to stop, or the other end is gone.
fn read_whole(stream: &mut TcpStream, message: &mut [u8], stop: &AtomicBool) -> std::io::Result<bool> {
    let mut rest = message;
    while !rest.is_empty() {
        match stream.read(rest) {
            // The other end hangs up when it has seen enough.
            Ok(0) => return Ok(false),
            Ok(read) => rest = rest.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                std::hint::spin_loop();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
