//! Which messages left: read from QuickFIX's file store, before QuickFIX opens it.
//!
//! QuickFIX stores a message (`.body`, indexed by `.header`) and counts it (`.seqnums`) before it writes to the
//! socket. What is stored and counted left, or will by resend; a number that was not counted is used again.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::config::SessionConfig;

/// Keys ([`crate::log::Entry::delivery_key`]) of every message the session stored and counted.
pub(crate) fn sent_keys(fix_dir: &Path, session: &SessionConfig) -> Result<HashSet<String>, Error> {
    let file = |end: &str| fix_dir.join(format!("FIX.4.4-{}-{}.{end}", session.sender, session.target));
    let body = read(&file("body"))?;
    let header = String::from_utf8_lossy(&read(&file("header"))?).into_owned();
    let seqnums = String::from_utf8_lossy(&read(&file("seqnums"))?).into_owned();
    let next: u64 = seqnums.split(':').next().and_then(|text| text.trim().parse().ok()).unwrap_or(1);
    let mut places = HashMap::new();
    for entry in header.split_ascii_whitespace() {
        let mut numbers = entry.split(',').map(str::parse::<usize>);
        if let (Some(Ok(seq)), Some(Ok(offset)), Some(Ok(len))) =
            (numbers.next(), numbers.next(), numbers.next())
        {
            places.insert(seq as u64, (offset, len));
        }
    }
    let counted = places.into_iter().filter(|(seq, _)| *seq < next);
    let messages = counted.filter_map(|(_, (offset, len))| body.get(offset..offset.checked_add(len)?));
    Ok(messages.filter_map(key_of).collect())
}

fn key_of(message: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let field = |tag: &str| text.split('\u{1}').find_map(|field| field.strip_prefix(tag)?.strip_prefix('='));
    match field("35")? {
        "8" => field("17").map(str::to_owned),
        "9" => field("11").map(|cl_ord_id| format!("9:{cl_ord_id}")),
        _ => None,
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::file(path, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counted_messages_left() {
        let dir = tempfile::tempdir().unwrap();
        let session = SessionConfig { sender: "B".to_owned(), target: "T".to_owned() };
        assert!(sent_keys(dir.path(), &session).unwrap().is_empty());
        let messages =
            ["8=F\u{1}35=8\u{1}17=E1-1\u{1}", "8=F\u{1}35=9\u{1}11=C7\u{1}", "8=F\u{1}35=8\u{1}17=E1-2\u{1}"];
        let (mut body, mut header) = (String::new(), String::new());
        for (seq, message) in messages.iter().enumerate() {
            header +=
                &[(seq + 2).to_string(), body.len().to_string(), message.len().to_string() + " "].join(",");
            body.push_str(message);
        }
        header.push_str("9,");
        let put = |end: &str, text: &str| {
            std::fs::write(dir.path().join(format!("FIX.4.4-B-T.{end}")), text).unwrap();
        };
        put("body", &body);
        put("header", &header);
        put("seqnums", "0000000004 : 0000000009");
        let keys = sent_keys(dir.path(), &session).unwrap();
        assert_eq!(keys, HashSet::from(["E1-1".to_owned(), "9:C7".to_owned()]));
    }
}
