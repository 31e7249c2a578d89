//! A blocking client of the local protocol: for the command line, the demo and tests.
//!
//! After an error the connection is not used again: [`Client::reconnect`], and submit what was not answered once
//! more with the same identifiers; what had been recorded is answered as `exists` and not done twice.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::frame::{FrameBuffer, FrameError, append_frame};
use crate::{Answer, AnswerFrame, Refusal, Request, RequestFrame};

/// As many requests are left unanswered at most: their answers fit the socket's buffers, so that two sides that
/// both write before they read cannot lock each other.
pub const WINDOW: usize = 256;
/// How long an answer may take before the connection is given up.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is buffered before it is written.
const WRITE_BYTES: usize = 32 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("no node is running on {}", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be used.
    #[error("{}: {error}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The node went away.
    #[error("the node closed the connection")]
    Closed,
    /// The node closed the connection and said why.
    #[error("the node closed the connection: {0}")]
    TurnedAway(Refusal),
    /// The node did not answer in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The request does not fit a frame. Nothing was sent.
    #[error("the request cannot be sent: {0}")]
    Unsendable(FrameError),
    /// The node's frames cannot be followed.
    #[error("the answer cannot be read: {0}")]
    Unfollowable(FrameError),
    /// The other side speaks something else.
    #[error("the answer is not of this protocol: {0}")]
    Unreadable(serde_json::Error),
    /// The connection failed earlier.
    #[error("the connection failed earlier; reconnect first")]
    Broken,
}

/// A connection to a node.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: UnixStream,
    timeout: Duration,
    received: FrameBuffer,
    unsent: Vec<u8>,
    next_id: u64,
    in_flight: usize,
    early: BTreeMap<u64, Answer>,
    broken: bool,
}

impl Client {
    /// Connects to the node that listens on `path`.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        Ok(Self {
            path: path.to_owned(),
            stream: open(path, DEFAULT_TIMEOUT)?,
            timeout: DEFAULT_TIMEOUT,
            received: FrameBuffer::default(),
            unsent: Vec::new(),
            next_id: 1,
            in_flight: 0,
            early: BTreeMap::new(),
            broken: false,
        })
    }

    /// As [`Client::connect`], asking again until a node listens or `patience` is over.
    pub fn connect_within(path: &Path, patience: Duration) -> Result<Self, ClientError> {
        let deadline = Instant::now() + patience;
        loop {
            match Self::connect(path) {
                Err(ClientError::NotRunning { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => return other,
            }
        }
    }

    /// Sets how long an answer may take.
    pub fn set_timeout(&mut self, timeout: Duration) -> Result<(), ClientError> {
        self.timeout = timeout;
        set_timeouts(&self.stream, timeout).map_err(|error| self.socket(error))
    }

    /// Connects anew, asking until a node listens or `patience` is over. Unanswered requests are forgotten.
    pub fn reconnect(&mut self, patience: Duration) -> Result<(), ClientError> {
        let fresh = Self::connect_within(&self.path, patience)?;
        let (timeout, next_id) = (self.timeout, self.next_id);
        *self = Self { next_id, ..fresh };
        self.set_timeout(timeout)
    }

    /// Sends a request and waits for its answer.
    pub fn call(&mut self, request: &Request) -> Result<Answer, ClientError> {
        let id = self.send(request)?;
        self.answer_to(id)
    }

    /// Queues a request and gives its id; [`Client::answer_to`] waits for the answer. With [`WINDOW`] requests
    /// unanswered it first waits for one of them.
    pub fn send(&mut self, request: &Request) -> Result<u64, ClientError> {
        self.guarded(|client| {
            while client.in_flight >= WINDOW {
                client.keep_one()?;
            }
            let id = client.next_id;
            append_frame(&mut client.unsent, &RequestFrame { id, request })
                .map_err(ClientError::Unsendable)?;
            client.next_id += 1;
            client.in_flight += 1;
            if client.unsent.len() >= WRITE_BYTES { client.write_out().map(|()| id) } else { Ok(id) }
        })
    }

    /// Writes what is queued.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        self.guarded(Self::write_out)
    }

    /// Waits for the answer to one request.
    pub fn answer_to(&mut self, id: u64) -> Result<Answer, ClientError> {
        self.guarded(|client| {
            client.write_out()?;
            loop {
                if let Some(answer) = client.early.remove(&id) {
                    return Ok(answer);
                }
                client.keep_one()?;
            }
        })
    }

    /// The next answer, of whichever request: for subscriptions. The id is absent where the node could not read
    /// a frame of ours.
    pub fn next_answer(&mut self) -> Result<(Option<u64>, Answer), ClientError> {
        self.guarded(|client| {
            client.write_out()?;
            match client.early.pop_first() {
                Some((id, answer)) => Ok((Some(id), answer)),
                None => client.receive().map(|frame| (frame.id, frame.answer)),
            }
        })
    }

    /// Sends all requests, many at a time, and hands each answer over with its request's number, in that order.
    pub fn pipeline<'a>(
        &mut self,
        requests: impl IntoIterator<Item = &'a Request>,
        mut take: impl FnMut(usize, Answer),
    ) -> Result<(), ClientError> {
        let mut ids = std::collections::VecDeque::new();
        let mut taken = 0;
        for request in requests {
            if ids.len() >= WINDOW
                && let Some(id) = ids.pop_front()
            {
                take(taken, self.answer_to(id)?);
                taken += 1;
            }
            ids.push_back(self.send(request)?);
        }
        for id in ids {
            take(taken, self.answer_to(id)?);
            taken += 1;
        }
        Ok(())
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        if self.broken {
            return Err(ClientError::Broken);
        }
        let result = act(self);
        // A request that is too large to send leaves the stream as it was.
        self.broken = matches!(&result, Err(error) if !matches!(error, ClientError::Unsendable(_)));
        result
    }

    fn keep_one(&mut self) -> Result<(), ClientError> {
        self.write_out()?;
        let frame = self.receive()?;
        match (frame.id, frame.answer) {
            (Some(id), answer) => {
                self.early.insert(id, answer);
                Ok(())
            }
            (None, Answer::Refused(refusal)) => Err(ClientError::TurnedAway(refusal)),
            // Nothing else is said without a request.
            (None, _) => Err(ClientError::Closed),
        }
    }

    fn write_out(&mut self) -> Result<(), ClientError> {
        let unsent = std::mem::take(&mut self.unsent);
        match self.stream.write_all(&unsent).map_err(|error| self.socket(error)) {
            // A node that hung up before it read this may have said why.
            Err(ClientError::Closed) => Err(self.last_word()),
            written => written,
        }
    }

    fn last_word(&mut self) -> ClientError {
        loop {
            match self.receive() {
                Ok(AnswerFrame { id: None, answer: Answer::Refused(refusal) }) => {
                    return ClientError::TurnedAway(refusal);
                }
                // Answers to what was sent before.
                Ok(_) => {}
                Err(_) => return ClientError::Closed,
            }
        }
    }

    fn receive(&mut self) -> Result<AnswerFrame, ClientError> {
        loop {
            if let Some(content) = self.received.next_frame().map_err(ClientError::Unfollowable)? {
                let frame: AnswerFrame = serde_json::from_slice(content).map_err(ClientError::Unreadable)?;
                if !matches!(frame.answer, Answer::Event(_)) {
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
                return Ok(frame);
            }
            let mut bytes = [0; 16 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(len) => self.received.extend(bytes.get(..len).unwrap_or(&[])),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.socket(error)),
            }
        }
    }

    fn socket(&self, error: std::io::Error) -> ClientError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Timeout(self.timeout),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => {
                ClientError::Closed
            }
            _ => ClientError::Socket { path: self.path.clone(), error },
        }
    }
}

fn open(path: &Path, timeout: Duration) -> Result<UnixStream, ClientError> {
    let stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            ClientError::NotRunning { path: path.to_owned() }
        }
        _ => ClientError::Socket { path: path.to_owned(), error },
    })?;
    set_timeouts(&stream, timeout).map_err(|error| ClientError::Socket { path: path.to_owned(), error })?;
    Ok(stream)
}

fn set_timeouts(stream: &UnixStream, timeout: Duration) -> std::io::Result<()> {
    // Zero would mean "for ever" to the system and an error to std.
    let timeout = timeout.max(Duration::from_millis(1));
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))
}
