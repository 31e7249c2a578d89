//! Hears what alerts the shards raise, and tells the office.
//!
//! A shard's alerts are events of its records, and its replica counts them. Where it has counted more than the office has
//! heard, the events in between are looked up: in the replica's memory, else in the journal. Each is told with its record,
//! and the office drops what it heard before. So a kill between a record of a shard and the office's loses none.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actors::Core;
use engine::{Replica, ReplicaError};
use journal::Folder;
use model::{Alert, CausedBy, Event, Name, Position, ShardId};
use office::alerts::{
    AlertSource, AlertWord, HearFrom, HeardAlerts, MOST_ALERT_TEXT_BYTES, MOST_SUBJECT_BYTES, RaiseAlert,
};
use office::{Office, OfficeWord};

use super::super::line::Line;
use super::{alert_text, node_origin};
use crate::past::alerts::alerts_between;
use front::live::LiveDirectory;

/// How long an alert may be unheard: a person reads it.
const ROUND: Duration = Duration::from_millis(100);
/// Events that may come in while those of the past are looked at.
const EVENTS: usize = 1024;

/// The thread that listens.
pub(crate) struct Ear {
    stop: Option<flume::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A shard to listen to.
pub(crate) struct HeardShard {
    pub(crate) shard: ShardId,
    pub(crate) replica: Replica<Core>,
    pub(crate) journal: Folder,
    /// Its divergence is told.
    pub(crate) is_diverged: bool,
}

impl Ear {
    /// Starts to listen. A shard that was never heard is heard from where it stands.
    pub(crate) fn start(
        office: Arc<Line<Office>>,
        names: Arc<LiveDirectory>,
        sources: Vec<HeardShard>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = flume::bounded(0);
        let mut listener = Listener { office, names, sources };
        listener.begin();
        let thread = std::thread::Builder::new()
            .name("office-ear".to_owned())
            .spawn(move || listener.run(&stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that hears alerts died");
        }
    }
}

/// An alert of a shard: its record, and which of the record's events it is.
type ToldAlert = (CausedBy, Alert);

struct Listener {
    office: Arc<Line<Office>>,
    names: Arc<LiveDirectory>,
    sources: Vec<HeardShard>,
}

impl Listener {
    fn begin(&self) {
        for source in &self.sources {
            let Ok((position, raised)) = source.stands() else { continue };
            match self.heard(source.shard) {
                None => self.hear_from(position, raised),
                // Its journal was replaced by an older one.
                Some(heard) if heard.last.position > position || heard.raised > raised => {
                    tracing::warn!(shard = %source.shard, heard = %heard.last.position, "heard from where it ends now");
                    self.hear_from(position, raised);
                }
                Some(_) => {}
            }
        }
    }

    fn run(&mut self, stopped: &flume::Receiver<()>) {
        while stopped.recv_timeout(ROUND) == Err(flume::RecvTimeoutError::Timeout) {
            for index in 0..self.sources.len() {
                self.listen(index);
            }
        }
        // What came until now.
        for index in 0..self.sources.len() {
            self.listen(index);
        }
    }

    fn heard(&self, shard: ShardId) -> Option<HeardAlerts> {
        self.office.read(|office| office.alerts().heard(shard)).flatten()
    }

    fn hear_from(&self, position: Position, raised: u64) {
        // Every event of that record is behind us.
        let after = CausedBy { position, index: u32::MAX };
        self.say(AlertWord::Hear(HearFrom { after, raised }));
    }

    fn listen(&mut self, index: usize) {
        self.tell_divergence(index);
        let Some(source) = self.sources.get(index) else { return };
        let Some(heard) = self.heard(source.shard) else { return };
        let Ok((position, raised)) = source.stands() else { return };
        if raised <= heard.raised {
            return;
        }
        match source.alerts(heard, position) {
            Ok(alerts) => {
                for (event, alert) in
                    (heard.raised + 1..).zip(alerts).map(|(raised, told)| ((told.0, raised), told.1))
                {
                    self.raise(source.shard, event, &alert);
                }
            }
            Err(error) => {
                tracing::error!(shard = %source.shard, %error, "alerts of a shard cannot be looked up");
                let missed = raised - heard.raised;
                let text =
                    format!("{missed} alerts behind record {} cannot be looked up", heard.last.position);
                self.raise_own("alerts_missed", format!("shard {}", source.shard), text);
                self.hear_from(position, raised);
            }
        }
    }

    fn raise(&self, shard: ShardId, (event, raised): (CausedBy, u64), alert: &Alert) {
        self.say(AlertWord::Raise(RaiseAlert {
            kind: Name::cut(alert_text::kind(alert.kind)),
            subject: cut(&alert_text::subject(&self.names.current(), shard, alert), MOST_SUBJECT_BYTES),
            text: cut(&alert_text::text(&self.names.current(), alert), MOST_ALERT_TEXT_BYTES),
            source: Some(AlertSource { event, raised }),
        }));
    }

    fn raise_own(&self, kind: &str, subject: String, text: String) {
        self.say(AlertWord::Raise(RaiseAlert { kind: Name::cut(kind), subject, text, source: None }));
    }

    /// A replica that differs from its shard: no record of the shard says so.
    fn tell_divergence(&mut self, index: usize) {
        let Some(source) = self.sources.get_mut(index).filter(|source| !source.is_diverged) else { return };
        let Some(divergence) = source.replica.divergence() else { return };
        source.is_diverged = true;
        let subject = format!("shard {}", source.shard);
        let text = format!("its replica differs from it at {}: no new orders are taken", divergence.position);
        self.raise_own("diverged", subject, text);
    }

    /// Waits until it is durable. What is not taken now is found again at the next round.
    fn say(&self, word: AlertWord) {
        if let Some((position, _)) = self.office.call(node_origin(), OfficeWord::Alert(word)) {
            // Seen before the next look at what is heard.
            self.office.read_from(position, |_| ());
        }
    }
}

impl HeardShard {
    /// Where its replica stands, and how many alerts there were by then.
    fn stands(&self) -> Result<(Position, u64), ReplicaError> {
        self.replica.inspect(Position::default(), |replay| (replay.position(), replay.alerts()))
    }

    /// The alerts behind the last one that was heard: from the replica's memory, else from the journal.
    fn alerts(&self, heard: HeardAlerts, until: Position) -> Result<Vec<ToldAlert>, crate::past::PastError> {
        let last = heard.last;
        let before = Position { seq: last.position.seq.saturating_sub(1), ..last.position };
        let Ok(subscription) = self.replica.subscribe(before, EVENTS) else {
            return alerts_between(&self.journal, last, until);
        };
        let told = |published: engine::Published<Event>| match published.event {
            Event::Alert(alert) => {
                Some((CausedBy { position: published.position, index: published.index }, alert))
            }
            _ => None,
        };
        let alerts = subscription.events.try_iter().filter_map(told);
        Ok(alerts.filter(|(event, _)| *event > last).collect())
    }
}

/// One line of at most so many bytes.
fn cut(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let end = line.floor_char_boundary(most);
    line.get(..end).unwrap_or_default().to_owned()
}
