use model::{Name, SessionId};
use proptest::prelude::*;

use super::*;

fn settings(dir: &Path) -> SessionSettings {
    let name = Name::new("broker-a").unwrap();
    SessionSettings::new(SessionId::new(1), name, "US", "THEM", ("127.0.0.1", 9876), dir)
}

struct Found(tempfile::TempDir);

impl Found {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, suffix: &str, content: &str) -> Self {
        fs::write(self.0.path().join(format!("FIX.4.4-US-THEM.{suffix}")), content).unwrap();
        self
    }

    fn read(&self, suffix: &str) -> String {
        fs::read_to_string(self.0.path().join(format!("FIX.4.4-US-THEM.{suffix}"))).unwrap()
    }

    fn prepare(&self, high_water: u64) -> Result<Store, GatewayError> {
        prepare(&settings(self.0.path()), high_water)
    }

    /// The numbers QuickFIX would read after `prepare`.
    fn numbers(&self, high_water: u64) -> (u64, u64) {
        drop(self.prepare(high_water).unwrap());
        let text = self.read("seqnums");
        assert_eq!(text.len(), 43, "QuickFIX would read the old format");
        let numbers = SeqNums::parse(&text).unwrap();
        (numbers.sender, numbers.target)
    }
}

fn used(sender: u64, target: u64) -> Found {
    Found::new().with("body", "8=FIX.4.4\x01").with("seqnums", &SeqNums { sender, target }.print())
}

#[test]
fn a_new_store_begins_at_one() {
    assert_eq!(Found::new().numbers(0), (1, 1));
    // Killed between creating the files and writing them.
    assert_eq!(Found::new().with("seqnums", "").with("body", "").numbers(0), (1, 1));
}

#[test]
fn the_number_to_expect_falls_back_to_what_the_journal_holds() {
    assert_eq!(used(10, 20).numbers(15), (10, 16));
    assert_eq!(used(10, 20).numbers(19), (10, 20));
    assert_eq!(used(10, 20).numbers(0), (10, 1));
}

#[test]
fn the_number_to_expect_is_never_raised() {
    assert_eq!(used(10, 20).numbers(500), (10, 20));
    assert_eq!(used(10, 20).numbers(u64::MAX), (10, 20));
}

#[test]
fn numbers_that_are_gone_are_not_made_up() {
    let lost = Found::new().prepare(7).unwrap_err();
    assert!(matches!(lost, GatewayError::StoreLost { high_water: 7, .. }), "{lost}");
    for text in ["", "garbage", "0 : 0", "5", "5 : x"] {
        let found = Found::new().with("body", "8=FIX.4.4\x01").with("seqnums", text);
        let error = found.prepare(7).unwrap_err();
        assert!(matches!(error, GatewayError::StoreDamaged { .. }), "{text}: {error}");
    }
    let error =
        Found::new().with("seqnums", &SeqNums { sender: 9, target: 9 }.print()).prepare(7).unwrap_err();
    assert!(error.to_string().contains("empty, though 8 messages were sent"), "{error}");
}

#[test]
fn a_store_has_one_owner() {
    let found = Found::new();
    let first = found.prepare(0).unwrap();
    assert!(matches!(found.prepare(0), Err(GatewayError::InUse { .. })));
    drop(first);
    assert!(found.prepare(0).is_ok());
}

#[test]
fn a_torn_header_is_mended_and_its_last_number_is_not_used_again() {
    let body = "x".repeat(30);
    let found =
        || Found::new().with("body", &body).with("seqnums", &SeqNums { sender: 3, target: 1 }.print());
    for (header, whole, sender) in [
        ("1,0,10 2,10,10 3,20,10 ", "1,0,10 2,10,10 3,20,10 ", 4),
        ("1,0,10 2,10,10 3,20,1", "1,0,10 2,10,10 ", 3),
        ("1,0,10 2,10,10 3,20,11 ", "1,0,10 2,10,10 ", 3),
        ("1,0,10 2,10 3,20,10 ", "1,0,10 ", 3),
        ("", "", 3),
    ] {
        let found = found().with("header", header);
        assert_eq!(found.numbers(0), (sender, 1), "{header}");
        assert_eq!(found.read("header"), whole);
    }
}

#[test]
fn the_store_is_always_from_today() {
    let found = used(10, 20).with("session", "20200101-00:00:00");
    found.prepare(19).unwrap().refresh(Correction::default()).unwrap();
    let now =
        UtcTimestamp(Timestamp::from_nanos(i64::try_from(since_epoch().as_nanos()).unwrap())).to_string();
    let written = found.read("session");
    assert_eq!(written.len(), 17);
    assert_eq!(written[..8], now[..8]);
}

#[test]
fn the_next_number_is_what_the_broker_expects_or_that_of_the_refused_logon() {
    let after = |correction: Correction| {
        let found = used(12, 20).with("header", "11,0,10 ");
        found.prepare(19).unwrap().refresh(correction).unwrap();
        let numbers = SeqNums::parse(&found.read("seqnums")).unwrap();
        (numbers.sender, numbers.target, found.read("attempt"))
    };
    let sender = |next| Correction { sender: Some(next), target: None };
    assert_eq!(after(Correction::default()), (12, 20, "12".to_owned()));
    assert_eq!(after(sender(NextNumber::Exactly(14))), (14, 20, "12".to_owned()));
    assert_eq!(after(sender(NextNumber::Exactly(10))), (10, 20, "10".to_owned()));
    assert_eq!(after(sender(NextNumber::AtLeast(14))), (14, 20, "12".to_owned()));
    assert_eq!(after(sender(NextNumber::AtLeast(10))), (12, 20, "12".to_owned()));
    assert_eq!(after(Correction { sender: None, target: Some(15) }), (12, 15, "12".to_owned()));
    assert_eq!(after(Correction { sender: None, target: Some(30) }), (12, 20, "12".to_owned()));
}

#[test]
fn the_first_attempt_is_noted_until_the_session_is_up() {
    let found = used(12, 20).with("header", "11,0,10 ");
    let store = found.prepare(19).unwrap();
    store.refresh(Correction::default()).unwrap();
    fs::write(store.files.path("seqnums"), SeqNums { sender: 15, target: 20 }.print()).unwrap();
    store.refresh(Correction::default()).unwrap();
    assert_eq!(store.files.first_attempt(), Some(12));
    store.files.remove("attempt").unwrap();
    store.refresh(Correction::default()).unwrap();
    assert_eq!(store.files.first_attempt(), Some(15));
}

#[test]
fn files_that_are_not_whole_are_no_proof_whatever_they_claim() {
    let boot = proof::boot_id().unwrap();
    let body = "x".repeat(30);
    for (header, sender, is_incomplete) in [
        ("1,0,10 2,10,10 3,20,10 ", 4, false),
        // Recorded, and killed before it was counted.
        ("1,0,10 2,10,10 3,20,10 ", 3, false),
        ("1,0,10 2,10,10 ", 4, true),
        ("1,0,10 2,10,10 3,20,11 ", 4, true),
        ("", 4, true),
        ("", 1, true),
    ] {
        let found = Found::new()
            .with("body", &body)
            .with("header", header)
            .with("boot", &boot)
            .with("seqnums", &SeqNums { sender, target: 1 }.print());
        let store = found.prepare(0).unwrap();
        assert_eq!(store.is_incomplete, is_incomplete, "{header} {sender}");
        assert_eq!(proof::stands(&store.files.path("boot")), !is_incomplete, "{header} {sender}");
    }
    // Everything is gone but the claim; and a store that never claimed anything.
    let store = Found::new().with("boot", &boot).prepare(0).unwrap();
    assert!(store.is_incomplete && !proof::stands(&store.files.path("boot")));
    assert!(!Found::new().prepare(0).unwrap().is_incomplete);
    assert!(!Found::new().with("boot", "another boot").prepare(0).unwrap().is_incomplete);
}

proptest! {
    #![proptest_config(crate::seeded(512))]

    #[test]
    fn any_header_is_mended(header in proptest::collection::vec(any::<u8>(), 0..200), body_bytes in 0u64..100) {
        let (whole, _) = whole_entries(&header, body_bytes);
        prop_assert!(whole <= header.len());
        let again = whole_entries(&header[..whole], body_bytes);
        prop_assert_eq!(again.0, whole);
    }
}
