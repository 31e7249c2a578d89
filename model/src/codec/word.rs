//! Payloads: each kind of input as the rkyv archive of its own word, written in place and read only after validation.
//!
//! * A command's payload is its [`Preface`], then the command's own word.
//! * The root of an archive starts on a multiple of 8 and is the last thing but for zeros up to the next one.
//! * A tick has no payload.

use rkyv::{Archive, Deserialize, Serialize};

use super::archive::{get, put};
use super::kind::RecordKind;
use super::preface::{self, Preface};
use crate::{
    Actor, Amount, CausedBy, ClockAnchor, Command, Currency, Incarnation, Input, InstrumentId, LimitKind,
    Quote, ShardId,
};

// The words whose fields stand in their variant itself.

#[derive(Archive, Serialize, Deserialize)]
struct OpenedPayload {
    incarnation: Incarnation,
    logic_version: u32,
}

/// Of the machine's boot, too, where that is known.
#[derive(Archive, Serialize, Deserialize)]
struct OpenedOnBootPayload {
    incarnation: Incarnation,
    logic_version: u32,
    anchor: ClockAnchor,
}

#[derive(Archive, Serialize, Deserialize)]
struct MarkPayload {
    instrument: InstrumentId,
    quote: Quote,
}

#[derive(Archive, Serialize, Deserialize)]
struct AsksTakenPayload {
    by: ShardId,
    cause: CausedBy,
}

#[derive(Archive, Serialize, Deserialize)]
struct LimitPayload {
    actor: Actor,
    kind: LimitKind,
    currency: Option<Currency>,
    value: Option<Amount>,
}

/// Writes `input` to the start of `out`, which starts on a multiple of 8 bytes, without allocating.
/// Returns its kind and its length in bytes, a multiple of 8; `None` where it does not fit.
pub(super) fn encode(input: &Input, out: &mut [u8]) -> Option<(RecordKind, usize)> {
    Some(match input {
        Input::Opened { incarnation, logic_version, anchor: None } => {
            let (incarnation, logic_version) = (*incarnation, *logic_version);
            (RecordKind::Opened, put(&OpenedPayload { incarnation, logic_version }, out)?)
        }
        Input::Opened { incarnation, logic_version, anchor: Some(anchor) } => {
            let (incarnation, logic_version, anchor) = (*incarnation, *logic_version, *anchor);
            let payload = OpenedOnBootPayload { incarnation, logic_version, anchor };
            (RecordKind::OpenedOnBoot, put(&payload, out)?)
        }
        Input::Command { origin, cause, stamped, command } => {
            let front = preface::encode(origin, cause.as_ref(), stamped, out)?;
            let (kind, len) = encode_command(command, out.get_mut(front..)?)?;
            (kind, front + len)
        }
        Input::ExecutionReport(report) => (RecordKind::ExecutionReport, put(report, out)?),
        Input::CancelReject(reject) => (RecordKind::CancelReject, put(reject, out)?),
        Input::MessageReject(reject) => (RecordKind::MessageReject, put(reject, out)?),
        Input::Quarantined(message) => (RecordKind::Quarantined, put(message, out)?),
        Input::Session(change) => (RecordKind::Session, put(change, out)?),
        Input::Evidence(evidence) => (RecordKind::Evidence, put(evidence, out)?),
        Input::Mark { instrument, quote } => {
            let (instrument, quote) = (*instrument, *quote);
            (RecordKind::Mark, put(&MarkPayload { instrument, quote }, out)?)
        }
        Input::Tick => (RecordKind::Tick, 0),
        Input::AsksTaken { by, cause } => {
            let (by, cause) = (*by, *cause);
            (RecordKind::AsksTaken, put(&AsksTakenPayload { by, cause }, out)?)
        }
        Input::Broken(broken) => (RecordKind::Broken, put(broken, out)?),
        Input::ClockJumped(jump) => (RecordKind::ClockJumped, put(jump, out)?),
        Input::ClockAnchored(anchor) => (RecordKind::ClockAnchored, put(anchor, out)?),
    })
}

fn encode_command(command: &Command, out: &mut [u8]) -> Option<(RecordKind, usize)> {
    Some(match command {
        Command::NewOrder(order) => (RecordKind::NewOrder, put(order, out)?),
        Command::CancelOrder(cancel) => (RecordKind::CancelOrder, put(cancel, out)?),
        Command::ReplaceOrder(replace) => (RecordKind::ReplaceOrder, put(replace, out)?),
        Command::MoveCash(cash) => (RecordKind::MoveCash, put(cash, out)?),
        Command::Halt(scope) => (RecordKind::Halt, put(scope, out)?),
        Command::Resume(scope) => (RecordKind::Resume, put(scope, out)?),
        Command::SetLimit { actor, kind, currency, value } => {
            let limit = LimitPayload { actor: *actor, kind: *kind, currency: *currency, value: *value };
            (RecordKind::SetLimit, put(&limit, out)?)
        }
        Command::DefineInstrument(instrument) => (RecordKind::DefineInstrument, put(instrument, out)?),
        Command::DefinePortfolio(portfolio) => (RecordKind::DefinePortfolio, put(portfolio, out)?),
        Command::DefineAccount(account) => (RecordKind::DefineAccount, put(account, out)?),
        Command::DefineSession(session) => (RecordKind::DefineSession, put(session, out)?),
        Command::CancelAll(cancel) => (RecordKind::CancelAll, put(cancel, out)?),
        Command::DefineStrategy(strategy) => (RecordKind::DefineStrategy, put(strategy, out)?),
        Command::DefineBroker(broker) => (RecordKind::DefineBroker, put(broker, out)?),
        Command::Release(aside) => (RecordKind::Release, put(aside, out)?),
        Command::AcceptClock(acceptance) => (RecordKind::AcceptClock, put(acceptance, out)?),
        Command::Remember(remember) => (RecordKind::Remember, put(remember, out)?),
    })
}

/// Reads the input of this kind into `input`, from `payload`, which starts on a multiple of 8 bytes. Arbitrary bytes give
/// `None`: every pointer, tag and length is checked against the payload first, so it can allocate no more than its own
/// size.
///
/// Each word goes from its archive to its place without a stop between: the compiler does not make that of values that
/// are returned through several functions.
pub(super) fn decode_into(kind: RecordKind, payload: &[u8], input: &mut Input) -> Option<()> {
    match kind {
        RecordKind::Opened => get(payload, |OpenedPayload { incarnation, logic_version }| {
            *input = Input::Opened { incarnation, logic_version, anchor: None };
        }),
        RecordKind::OpenedOnBoot => {
            get(payload, |OpenedOnBootPayload { incarnation, logic_version, anchor }| {
                *input = Input::Opened { incarnation, logic_version, anchor: Some(anchor) };
            })
        }
        RecordKind::Tick if payload.is_empty() => {
            *input = Input::Tick;
            Some(())
        }
        RecordKind::Mark => get(payload, |MarkPayload { instrument, quote }| {
            *input = Input::Mark { instrument, quote };
        }),
        RecordKind::AsksTaken => get(payload, |AsksTakenPayload { by, cause }| {
            *input = Input::AsksTaken { by, cause };
        }),
        RecordKind::ExecutionReport => get(payload, |report| *input = Input::ExecutionReport(report)),
        RecordKind::CancelReject => get(payload, |reject| *input = Input::CancelReject(reject)),
        RecordKind::MessageReject => get(payload, |reject| *input = Input::MessageReject(reject)),
        RecordKind::Quarantined => get(payload, |message| *input = Input::Quarantined(message)),
        RecordKind::Session => get(payload, |change| *input = Input::Session(change)),
        RecordKind::Evidence => get(payload, |evidence| *input = Input::Evidence(evidence)),
        RecordKind::Broken => get(payload, |broken| *input = Input::Broken(broken)),
        RecordKind::ClockJumped => get(payload, |jump| *input = Input::ClockJumped(jump)),
        RecordKind::ClockAnchored => get(payload, |anchor| *input = Input::ClockAnchored(anchor)),
        _ => {
            let (preface, word) = preface::decode(payload)?;
            decode_command(kind, word, preface, input)
        }
    }
}

fn decode_command(kind: RecordKind, payload: &[u8], preface: Preface, input: &mut Input) -> Option<()> {
    let Preface { origin, cause, stamped } = preface;
    macro_rules! command {
        ($command:path) => {
            get(payload, |word| *input = Input::Command { origin, cause, stamped, command: $command(word) })
        };
    }
    match kind {
        RecordKind::NewOrder => command!(Command::NewOrder),
        RecordKind::CancelOrder => command!(Command::CancelOrder),
        RecordKind::ReplaceOrder => command!(Command::ReplaceOrder),
        RecordKind::MoveCash => command!(Command::MoveCash),
        RecordKind::Halt => command!(Command::Halt),
        RecordKind::Resume => command!(Command::Resume),
        RecordKind::SetLimit => get(payload, |LimitPayload { actor, kind, currency, value }| {
            let command = Command::SetLimit { actor, kind, currency, value };
            *input = Input::Command { origin, cause, stamped, command };
        }),
        RecordKind::DefineInstrument => command!(Command::DefineInstrument),
        RecordKind::DefinePortfolio => command!(Command::DefinePortfolio),
        RecordKind::DefineAccount => command!(Command::DefineAccount),
        RecordKind::DefineSession => command!(Command::DefineSession),
        RecordKind::CancelAll => command!(Command::CancelAll),
        RecordKind::DefineStrategy => command!(Command::DefineStrategy),
        RecordKind::DefineBroker => command!(Command::DefineBroker),
        RecordKind::Release => command!(Command::Release),
        RecordKind::AcceptClock => command!(Command::AcceptClock),
        RecordKind::Remember => command!(Command::Remember),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Origin, Scope, Stamped};
    use proptest::prelude::*;
    use proptest::sample::select;
    use proptest::test_runner::RngSeed;
    use rkyv::util::AlignedVec;

    use super::*;

    fn decode(kind: RecordKind, payload: &[u8]) -> Option<Input> {
        let mut input = Input::Tick;
        decode_into(kind, payload, &mut input).map(|()| input)
    }

    fn decode_aligned(kind: RecordKind, payload: &[u8]) -> Option<Input> {
        let mut aligned = AlignedVec::<8>::new();
        aligned.extend_from_slice(payload);
        decode(kind, &aligned)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 4000, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// Behind a checksum that happens to fit, too, arbitrary bytes are an input or nothing, whatever their length.
        #[test]
        fn arbitrary_payloads_never_panic(
            kind in select(RecordKind::ALL),
            bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..400),
        ) {
            if let Some(input) = decode_aligned(kind, &bytes) {
                let mut out = AlignedVec::<8>::new();
                out.resize(1024, 0);
                let (again, len) = encode(&input, &mut out).expect("it fits");
                prop_assert_eq!(again, kind);
                prop_assert_eq!(decode_aligned(kind, &out[..len]), Some(input));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let quote = Stamped::with(Quote::default());
        let halt = Input::command(Origin::default(), quote, Command::Halt(Scope::Firm));
        let mut out = AlignedVec::<8>::new();
        out.resize(128, 0);
        let (kind, len) = encode(&halt, &mut out).unwrap();
        assert_eq!(decode(kind, &out[..len]), Some(halt.clone()));
        for short in 0..len {
            assert_eq!(encode(&halt, &mut out[..short]), None, "{short} bytes");
            assert_eq!(decode_aligned(kind, &out[..short]), None, "{short} bytes");
        }
    }

    #[test]
    fn a_tick_holds_nothing() {
        assert_eq!(encode(&Input::Tick, &mut []), Some((RecordKind::Tick, 0)));
        assert_eq!(decode(RecordKind::Tick, &[0; 8]), None);
        assert_eq!(decode(RecordKind::Digest, &[0; 16]), None);
    }
}
