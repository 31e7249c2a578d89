//! What both sides of a FIX session noted in their stores: QuickFIX's files, read here by code of our own.
//!
//! `seqnums` holds the number of the next message out and of the next message in; `header` says for each number where
//! its message stands in `body`. A number used again after a crash has its last entry.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use node::config::{Config, SessionEntry};

use super::findings::{Check, Findings};

/// One side's files.
#[derive(Clone, Debug)]
struct Store {
    prefix: PathBuf,
}

/// The next number out, and the next number in.
type Numbers = (u64, u64);

impl Store {
    fn new(folder: &Path, sender: &str, target: &str) -> Self {
        Self { prefix: folder.join(format!("FIX.4.4-{sender}-{target}.")) }
    }

    fn path(&self, ending: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    fn numbers(&self) -> Option<Numbers> {
        let text = std::fs::read_to_string(self.path("seqnums")).ok()?;
        let (out, into) = text.split_once(':')?;
        Some((out.trim().parse().ok()?, into.trim().parse().ok()?))
    }

    /// Where each counted message stands: offset and length by number.
    fn places(&self) -> BTreeMap<u64, (u64, usize)> {
        let Some((next, _)) = self.numbers() else { return BTreeMap::new() };
        let header = std::fs::read_to_string(self.path("header")).unwrap_or_default();
        let entries = header.split_ascii_whitespace().filter_map(|entry| {
            let mut numbers = entry.split(',');
            let seq: u64 = numbers.next()?.parse().ok()?;
            Some((seq, (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?)))
        });
        entries.filter(|(seq, _)| *seq < next).collect()
    }

    fn message(body: &File, (offset, len): (u64, usize)) -> Option<String> {
        let mut bytes = vec![0; len];
        body.read_exact_at(&mut bytes, offset).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// The highest number of a message that the other side journals under its number.
    fn last_journalled_number(&self) -> u64 {
        let Ok(body) = File::open(self.path("body")) else { return 0 };
        let counts = |place| Self::message(&body, place).is_some_and(|text| is_journalled(&text));
        self.places().into_iter().rev().find(|(_, place)| counts(*place)).map_or(0, |(seq, _)| seq)
    }

    /// The `ClOrdID` of each order and request, by number.
    fn requests(&self) -> BTreeMap<u64, String> {
        let Ok(body) = File::open(self.path("body")) else { return BTreeMap::new() };
        let request = |place| {
            let text = Self::message(&body, place)?;
            matches!(field(&text, "35"), Some("D" | "F" | "G"))
                .then(|| field(&text, "11").map(str::to_owned))?
        };
        self.places().into_iter().filter_map(|(seq, place)| Some((seq, request(place)?))).collect()
    }
}

/// A report, or a reject of a cancel or of a message. Not the answer that an order is unknown: that becomes evidence,
/// which has no number, and comes again after a crash without harm.
fn is_journalled(message: &str) -> bool {
    let is = |tag, value| field(message, tag) == Some(value);
    match field(message, "35") {
        Some("9" | "j" | "3") => true,
        Some("8") => !(is("150", "I") && is("39", "8") && is("103", "5")),
        _ => false,
    }
}

fn field<'a>(message: &'a str, tag: &str) -> Option<&'a str> {
    message.split('\u{1}').find_map(|field| field.strip_prefix(tag)?.strip_prefix('='))
}

/// Both sides of one session.
pub(crate) struct Sides {
    name: String,
    target: String,
    node: Store,
    broker: Store,
}

impl Sides {
    /// Of every session of a world.
    pub(crate) fn of(config: &Config, root: &Path) -> Vec<Self> {
        let broker = root.join("broker").join("fix");
        let sides = |session: &SessionEntry| {
            let (sender, target) = (&session.sender_comp_id, &session.target_comp_id);
            Self {
                name: session.name.to_string(),
                target: sender.clone(),
                node: Store::new(&session.store, sender, target),
                broker: Store::new(&broker, target, sender),
            }
        };
        config.sessions.iter().map(sides).collect()
    }

    /// The session's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How the broker calls the node.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// What speaks against their agreement at a quiet instant; `high_water` is the journal's.
    pub(crate) fn disagreement(&self, high_water: u64) -> Option<String> {
        let (ours, theirs) = (self.node.numbers(), self.broker.numbers());
        let agree = ours.zip(theirs).is_some_and(|(ours, theirs)| ours == (theirs.1, theirs.0));
        if !agree {
            return Some(format!("{}: next out and in here {ours:?}, at the broker {theirs:?}", self.name));
        }
        let told = self.broker.last_journalled_number();
        (told != high_water).then(|| {
            format!("{}: the broker's last report has number {told}, the journal has {high_water}", self.name)
        })
    }

    /// Compares each number the broker received a request under with the number it went out under.
    pub(crate) fn compare_requests(&self, received: &BTreeMap<u64, String>, findings: &mut Findings) {
        let sent = self.node.requests();
        for (seq, cl_ord_id) in received {
            if sent.get(seq) != Some(cl_ord_id) {
                let out = sent.get(seq).map_or("nothing", String::as_str);
                let what = format!("{}: {seq} is {cl_ord_id} at the broker and {out} here", self.name);
                findings.add(Check::SequenceMismatches, what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_used_again_is_its_last_message() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path(), "A", "B");
        assert_eq!((store.numbers(), store.last_journalled_number()), (None, 0));
        let messages = ["8=F\u{1}35=8\u{1}", "8=F\u{1}35=D\u{1}11=G1-0-5\u{1}", "8=F\u{1}35=0\u{1}"];
        let (mut header, mut body) = (String::new(), String::new());
        for (seq, text) in [(2, messages[0]), (3, messages[0]), (3, messages[1]), (4, messages[2])] {
            header = format!("{header}{seq},{},{} ", body.len(), text.len());
            body += text;
        }
        for (ending, text) in
            [("header", header.as_str()), ("body", &body), ("seqnums", "0000000004 : 0000000009")]
        {
            std::fs::write(store.path(ending), text).unwrap();
        }
        assert_eq!(store.numbers(), Some((4, 9)));
        assert_eq!(store.last_journalled_number(), 2);
        assert!(is_journalled("35=8\u{1}150=I\u{1}39=8\u{1}103=99\u{1}"));
        assert!(!is_journalled("35=8\u{1}150=I\u{1}39=8\u{1}103=5\u{1}"), "an order that is unknown");
        assert_eq!(store.requests(), BTreeMap::from([(3, "G1-0-5".to_owned())]));
    }
}
