use model::{Name, SessionId};
use proptest::prelude::*;

use super::*;
use crate::settings::SessionSettings;

fn id(seq: u64) -> WireId {
    WireId { seq, incarnation: 1, shard: 0 }
}

fn message(seq: u64, msg_type: &str, cl_ord_id: u64) -> String {
    format!(
        "8=FIX.4.4|9=100|35={msg_type}|34={seq}|49=US|52=20131007-09:30:00.000|56=THEM|11=G1-0-{cl_ord_id}|55=MSFT|10=123|"
    )
    .replace('|', "\x01")
}

fn record(body: &[u8]) -> (tempfile::TempDir, BodyRecord) {
    let dir = tempfile::tempdir().unwrap();
    let name = Name::new("broker-a").unwrap();
    let settings = SessionSettings::new(SessionId::new(1), name, "US", "THEM", ("127.0.0.1", 1), dir.path());
    let files = StoreFiles::of(&settings);
    fs::write(files.path("body"), body).unwrap();
    let record = BodyRecord::new(files, "FIX.4.4");
    (dir, record)
}

fn sent(body: &[u8], wanted: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let (_dir, record) = record(body);
    let wanted = wanted.into_iter().map(id).collect();
    record.which_were_sent(&wanted).unwrap().into_iter().map(|id| id.seq).collect()
}

#[test]
fn requests_are_found_and_questions_are_not() {
    let body = [
        message(2, "D", 7),
        message(3, "H", 8),
        message(4, "F", 9),
        message(5, "0", 10),
        message(6, "G", 11),
    ];
    assert_eq!(sent(body.concat().as_bytes(), [7, 8, 9, 10, 11, 12]), [7, 9, 11]);
    assert_eq!(sent(b"", [7]), [] as [u64; 0]);
}

#[test]
fn an_id_is_not_found_in_a_longer_one() {
    assert_eq!(sent(message(2, "D", 71).as_bytes(), [7]), [] as [u64; 0]);
}

#[test]
fn wherever_a_message_is_torn_the_others_are_found() {
    let torn = message(3, "D", 8);
    for cut in 0..torn.len() {
        let body =
            [message(2, "D", 7).as_bytes(), &torn.as_bytes()[..cut], message(3, "D", 9).as_bytes()].concat();
        let found = sent(&body, [7, 8, 9]);
        assert!(found == [7, 9] || found == [7, 8, 9], "cut at {cut}: {found:?}");
        let end = [message(2, "D", 7).as_bytes(), &torn.as_bytes()[..cut]].concat();
        let found = sent(&end, [7, 8]);
        assert!(found == [7] || found == [7, 8], "cut at {cut}: {found:?}");
    }
}

#[test]
fn a_number_names_the_last_message_that_had_it() {
    let body = [message(2, "D", 7), message(3, "D", 8), message(3, "F", 9)].concat();
    let (_dir, record) = record(body.as_bytes());
    assert_eq!(record.by_seq(2).unwrap(), Some(SentMessage { msg_type: b'D', cl_ord_id: Some(id(7)) }));
    assert_eq!(record.by_seq(3).unwrap(), Some(SentMessage { msg_type: b'F', cl_ord_id: Some(id(9)) }));
    assert_eq!(record.by_seq(4).unwrap(), None);
    record.remember(4, SentMessage { msg_type: b'D', cl_ord_id: Some(id(10)) });
    assert_eq!(record.by_seq(4).unwrap(), Some(SentMessage { msg_type: b'D', cl_ord_id: Some(id(10)) }));
}

#[test]
fn absence_proves_only_on_the_boot_that_was_noted() {
    let (_dir, record) = record(b"");
    assert!(!record.absence_proves());
    record.trust(&BTreeSet::new()).unwrap();
    assert!(record.absence_proves());
    assert!(BodyRecord::new(record.files.clone(), "FIX.4.4").absence_proves());
    fs::write(record.files.path("boot"), "another boot").unwrap();
    assert!(!BodyRecord::new(record.files.clone(), "FIX.4.4").absence_proves());
}

proptest! {
    #![proptest_config(crate::seeded(512))]

    #[test]
    fn any_file_is_read(body in proptest::collection::vec(any::<u8>(), 0..500)) {
        scan(body.as_slice(), b"8=FIX.4.4", &mut |_, _| {}).unwrap();
    }
}

#[test]
fn what_was_unanswered_when_the_end_was_lost_counts_as_sent_for_good() {
    let (_dir, record) = record(message(2, "D", 7).as_bytes());
    record.trust(&BTreeSet::from([id(8)])).unwrap();
    record.trust(&BTreeSet::from([id(9)])).unwrap();
    let again = BodyRecord::new(record.files.clone(), "FIX.4.4");
    let wanted = [7, 8, 9, 10].map(id).into();
    assert_eq!(again.which_were_sent(&wanted).unwrap(), [7, 8, 9].map(id).into());
}
