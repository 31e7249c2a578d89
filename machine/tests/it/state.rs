//! What a machine has to say for itself, and that the defaults suffice for the rest.

use machine::{
    Consequences, DIGEST_KIND, Machine, Origin, Payload, Position, Recorded, ShardId, Stamp, Timestamp,
    Unreadable,
};

use crate::counter::{Counter, CounterInput, MOST, Tellings, Told, Word};

fn counted(words: &[Word]) -> (Counter, Tellings) {
    let (mut counter, mut out) = (Counter::default(), Tellings::default());
    for (seq, word) in (1..).zip(words) {
        out.clear();
        let input = Counter::<1>::asked(Origin::default(), None, (), word.clone());
        let stamp =
            Stamp { position: Position::new(ShardId::default(), seq), time: Timestamp::from_nanos(7) };
        counter.apply(stamp, &input, &mut out);
    }
    (counter, out)
}

#[test]
fn a_refusal_is_told_and_changes_nothing() {
    let (counter, out) = counted(&[Word::Add(900)]);
    assert_eq!((counter.count, out.refusal(), out.events()), (900, 0, &[Told::Counted(900)][..]));
    let (refused, out) = counted(&[Word::Add(900), Word::Add(101)]);
    assert_eq!((refused.count, out.refusal(), out.events()), (900, 1, &[Told::Full(900)][..]));
    assert_eq!((Counter::<2>::LOGIC_VERSION, counter.verify()), (2, Ok(())));
    let wrong = Counter::<1> { count: MOST + 1, ..Counter::default() }.verify().unwrap_err();
    assert_eq!(wrong.to_string(), "not true: the count is not above its limit (1001)");
}

#[test]
fn a_state_is_its_sections() {
    let (counter, _) = counted(&[Word::Add(60), Word::EmptyIn(30)]);
    let (mut all, mut read) = (Vec::new(), Counter::<1>::default());
    for section in Counter::<1>::sections() {
        let mut bytes = Vec::new();
        counter.save(section, &mut bytes).unwrap();
        read.load(section.name, section.version, &bytes).unwrap();
        all.extend(bytes);
    }
    let mut encoded = Vec::new();
    counter.encode(&mut encoded).unwrap();
    assert_eq!((read, encoded), (counter, all));
}

#[test]
fn what_is_recorded_is_an_input_or_a_digest_and_reads_over_either() {
    let mut recorded = Recorded::<CounterInput>::default();
    assert_eq!(recorded.decode(DIGEST_KIND, &[7; 16]), Ok(()));
    assert_eq!(recorded, Recorded::Digest([7; 16]));
    assert_eq!(recorded.decode(40, &5u64.to_le_bytes()), Ok(()));
    assert_eq!(recorded, Recorded::Input(CounterInput::Asked(Word::Add(5))));
    assert_eq!(recorded.decode(DIGEST_KIND, &[7; 8]), Err(Unreadable::Payload));
    assert_eq!(recorded.decode(40, &[7; 16]), Err(Unreadable::Payload));
    assert_eq!(recorded.decode(42, &[]), Err(Unreadable::Kind(42)));
}

#[test]
fn what_is_recorded_is_written_as_it_is_read() {
    let words = [CounterInput::Tick, CounterInput::Opened(3), CounterInput::Asked(Word::EmptyIn(-1))];
    for recorded in words.map(Recorded::Input).into_iter().chain([Recorded::Digest([7; 16])]) {
        let (mut out, mut read) = ([0; 64], Recorded::default());
        let (kind, len) = recorded.encode(&mut out).unwrap();
        assert_eq!((read.decode(kind, &out[..len]), &read), (Ok(()), &recorded));
        assert!(len == 0 || recorded.encode(&mut out[..len - 1]).is_none());
    }
}
