//! QuickFIX's file store, prepared before QuickFIX opens it (libquickfix `FileStore.cpp`).
//!
//! Four files of text, `FIX.4.4-SENDER-TARGET.*`:
//!
//! | file      | holds                                                             | written                   |
//! |-----------|-------------------------------------------------------------------|---------------------------|
//! | `body`    | each message we sent, one after the other                         | before it is sent         |
//! | `header`  | `seq,offset,length ` of each                                      | after its body            |
//! | `seqnums` | `next we send : next we expect`, two numbers of 20 digits          | after the header          |
//! | `session` | when the store was created, UTC                                   | at creation               |
//!
//! None is synced to disk. Ours beside them:
//!
//! | file       | holds                                                                                        |
//! |------------|----------------------------------------------------------------------------------------------|
//! | `lock`     | nothing; who has it locked owns the store                                                    |
//! | `boot`     | the machine's boot id, while absence from `body` proves that something was never sent        |
//! | `unproven` | what `body` may have lost, and counts as sent for good                                       |
//! | `attempt`  | the number of our first logon since the session was last up; absent while it is up           |

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crash_point::{Point, reach};
use model::Timestamp;

use crate::error::GatewayError;
use crate::outbound::UtcTimestamp;
use crate::settings::SessionSettings;

use super::proof;

/// The files of one session.
#[derive(Clone, Debug)]
pub(super) struct StoreFiles {
    session: String,
    prefix: PathBuf,
}

/// A store that is ours alone and ready for QuickFIX.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) files: StoreFiles,
    /// The files said that nothing is missing from them, and something is: they are an older copy, or lost writes.
    pub(super) is_incomplete: bool,
    /// Holds the lock while it lives.
    _lock: File,
}

/// What the numbers shall be on the next connection, where that is not what QuickFIX counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Correction {
    /// Our next number.
    pub(super) sender: Option<NextNumber>,
    /// The highest number to expect next: this one was counted and not taken.
    pub(super) target: Option<u64>,
}

/// Our next number after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextNumber {
    /// What the broker expects, or that of the refused logon: it counted neither the logon nor our logout. An attempt
    /// after the other must not wear the number down until it fits by chance.
    Exactly(u64),
    /// What the broker expects, as it said on a connection that had been of use: nothing that was used is used again.
    AtLeast(u64),
}

impl Correction {
    fn of(self, found: SeqNums) -> SeqNums {
        let sender = match self.sender {
            None => found.sender,
            Some(NextNumber::AtLeast(expected)) => found.sender.max(expected),
            Some(NextNumber::Exactly(number)) => number,
        };
        SeqNums { sender, target: self.target.map_or(found.target, |target| found.target.min(target)) }
    }
}

/// The two numbers in `seqnums`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeqNums {
    pub(super) sender: u64,
    pub(super) target: u64,
}

impl SeqNums {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sender, target) = text.split_once(" : ")?;
        let number = |digits: &str| digits.trim().parse().ok().filter(|&number: &u64| number > 0);
        Some(Self { sender: number(sender)?, target: number(target)? })
    }

    /// As QuickFIX prints them: it reads any other length as the old format of 32 bits.
    pub(super) fn print(self) -> String {
        format!("{:020} : {:020}", self.sender, self.target)
    }
}

impl StoreFiles {
    pub(super) fn of(settings: &SessionSettings) -> Self {
        let name =
            format!("{}-{}-{}.", settings.begin_string, settings.sender_comp_id, settings.target_comp_id);
        Self { session: settings.name.to_string(), prefix: settings.store_dir.join(name) }
    }

    pub(super) fn path(&self, suffix: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// The numbers as QuickFIX last wrote them.
    pub(super) fn seq_nums(&self) -> Option<SeqNums> {
        SeqNums::parse(&fs::read_to_string(self.path("seqnums")).ok()?)
    }

    /// Removes a file of ours, whether it is there or not.
    pub(super) fn remove(&self, suffix: &str) -> io::Result<()> {
        match fs::remove_file(self.path(suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The number of our first logon since the session was last up.
    pub(super) fn first_attempt(&self) -> Option<u64> {
        fs::read_to_string(self.path("attempt")).ok()?.trim().parse().ok()
    }

    fn failed(&self, doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GatewayError {
        let (session, path) = (self.session.clone(), path.to_owned());
        move |source| GatewayError::Io { session, doing, path, source }
    }

    fn damaged(&self, suffix: &str, problem: String) -> GatewayError {
        GatewayError::StoreDamaged { session: self.session.clone(), file: self.path(suffix), problem }
    }

    /// An absent file reads as empty.
    fn read(&self, suffix: &str) -> Result<Vec<u8>, GatewayError> {
        let path = self.path(suffix);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.map_err(self.failed("read", &path)),
        }
    }

    fn len_bytes(&self, suffix: &str) -> Result<u64, GatewayError> {
        let path = self.path(suffix);
        match fs::metadata(&path) {
            Ok(found) => Ok(found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.failed("look at", &path)(error)),
        }
    }

    /// Replaces a file as a whole: a crash leaves the old one or the new one.
    fn replace(&self, suffix: &str, content: &[u8]) -> Result<(), GatewayError> {
        let path = self.path(suffix);
        replace_file(&path, content).map_err(self.failed("write", &path))
    }
}

impl Store {
    /// To be called each time before QuickFIX opens the store.
    ///
    /// The number of the first attempt is noted before it is made: each later one uses up a number, and if the broker
    /// takes one of those, that alone does not show that it has no more of ours than the store (see `wire`).
    pub(super) fn refresh(&self, correction: Correction) -> Result<(), GatewayError> {
        let found = self.files.seq_nums().unwrap_or(SeqNums { sender: 1, target: 1 });
        let next = correction.of(found);
        if next != found {
            self.files.replace("seqnums", next.print().as_bytes())?;
        }
        if self.files.first_attempt().is_none() {
            self.files.replace("attempt", found.sender.min(next.sender).to_string().as_bytes())?;
        }
        refresh_creation_time(&self.files)
    }
}

/// Writes beside, syncs, renames.
pub(super) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Prepares the store: locks it, checks it, mends a torn end, and sets the number to expect.
///
/// The number to expect is the smaller of QuickFIX's and the journal's high-water mark plus one. QuickFIX counts a
/// message when the callback returns; whether the shard journalled it before a crash only the journal knows.
/// Administrative messages are not journalled, so the number may fall further back than needed: the broker then
/// fills the gap. It is never raised: what QuickFIX has not seen, nobody has.
pub(super) fn prepare(settings: &SessionSettings, high_water: u64) -> Result<Store, GatewayError> {
    let files = StoreFiles::of(settings);
    fs::create_dir_all(&settings.store_dir).map_err(files.failed("create", &settings.store_dir))?;
    let lock = lock(&files)?;
    let found = seq_nums(&files, high_water)?;
    let last_recorded = mend_header(&files)?;
    let next = SeqNums {
        // A crash between recording a message and counting it would otherwise let its number serve twice.
        sender: found.sender.max(last_recorded.saturating_add(1)),
        target: found.target.min(high_water.saturating_add(1)),
    };
    files.replace("seqnums", next.print().as_bytes())?;
    let is_incomplete = distrust_what_is_missing(&files, found.sender, last_recorded)?;
    reach(Point::RecoveryStorePrepared);
    Ok(Store { files, is_incomplete, _lock: lock })
}

/// Each number we used has its entry in `header`. Where the last ones are missing, or a store that was in use has
/// nothing at all, the files are no proof of what was never sent. True where they claimed to be.
fn distrust_what_is_missing(
    files: &StoreFiles,
    sender: u64,
    last_recorded: u64,
) -> Result<bool, GatewayError> {
    if sender > 1 && sender <= last_recorded.saturating_add(1) {
        return Ok(false);
    }
    let claimed = proof::stands(&files.path("boot"));
    files.remove("boot").map_err(files.failed("remove", &files.path("boot")))?;
    Ok(claimed)
}

fn lock(files: &StoreFiles) -> Result<File, GatewayError> {
    let path = files.path("lock");
    let file = File::create(&path).map_err(files.failed("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(GatewayError::InUse { session: files.session.clone(), what: path.display().to_string() })
        }
        Err(TryLockError::Error(error)) => Err(files.failed("lock", &path)(error)),
    }
}

/// The store's numbers; 1 and 1 for a store that never was used.
fn seq_nums(files: &StoreFiles, high_water: u64) -> Result<SeqNums, GatewayError> {
    let text = files.read("seqnums")?;
    let body_bytes = files.len_bytes("body")?;
    let numbers = std::str::from_utf8(&text).ok().and_then(SeqNums::parse);
    match numbers {
        // Every number we used belongs to a message in the body.
        Some(numbers) if numbers.sender > 1 && body_bytes == 0 => {
            Err(files.damaged("body", format!("empty, though {} messages were sent", numbers.sender - 1)))
        }
        Some(numbers) => Ok(numbers),
        None if body_bytes > 0 => {
            Err(files.damaged("seqnums", "no sequence numbers can be read from it".to_owned()))
        }
        None if high_water > 0 => Err(GatewayError::StoreLost {
            session: files.session.clone(),
            store: files.path("seqnums"),
            high_water,
        }),
        None => Ok(SeqNums { sender: 1, target: 1 }),
    }
}

/// Cuts what a crash left half-written in `header`: QuickFIX would append behind it and read nothing beyond, or
/// fail each time the broker asks for a resend. Gives the highest number recorded, or 0.
fn mend_header(files: &StoreFiles) -> Result<u64, GatewayError> {
    let header = files.read("header")?;
    let body_bytes = files.len_bytes("body")?;
    let (whole_bytes, last) = whole_entries(&header, body_bytes);
    if let Some(whole) = header.get(..whole_bytes)
        && whole_bytes < header.len()
    {
        tracing::warn!(session = %files.session, cut_bytes = header.len() - whole_bytes, "torn store header mended");
        files.replace("header", whole)?;
    }
    Ok(last)
}

/// How many bytes of `header` are whole entries about messages that are there, and the highest number among them.
fn whole_entries(header: &[u8], body_bytes: u64) -> (usize, u64) {
    let (mut whole_bytes, mut last) = (0, 0);
    for entry in header.split_inclusive(|&byte| byte == b' ') {
        let Some(seq) = entry_seq(entry, body_bytes) else { break };
        whole_bytes += entry.len();
        last = last.max(seq);
    }
    (whole_bytes, last)
}

fn entry_seq(entry: &[u8], body_bytes: u64) -> Option<u64> {
    let text = std::str::from_utf8(entry).ok()?.strip_suffix(' ')?;
    let mut numbers = text.split(',').map(|digits| digits.parse::<u64>().ok());
    let (seq, offset, len) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && offset.checked_add(len)? <= body_bytes).then_some(seq)
}

/// QuickFIX deletes a store that was created on an earlier UTC day, in its session's constructor, before it looks
/// at `NonStopSession` (libquickfix `Session.cpp`): numbers back to 1, messages gone. So the store is always from
/// today; and as the day must not change before QuickFIX looks, a start just before midnight waits.
fn refresh_creation_time(files: &StoreFiles) -> Result<(), GatewayError> {
    let mut now = since_epoch();
    let rest_s = 86_400 - now.as_secs() % 86_400;
    if rest_s <= 10 {
        tracing::info!(session = %files.session, wait_s = rest_s, "waiting for the new day");
        std::thread::sleep(Duration::from_secs(rest_s));
        now = since_epoch();
    }
    let nanos = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    let stamp = UtcTimestamp(Timestamp::from_nanos(nanos)).to_string();
    // QuickFIX writes it without milliseconds.
    files.replace("session", stamp.split('.').next().unwrap_or(&stamp).as_bytes())
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
