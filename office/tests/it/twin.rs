//! A naive twin: the same rules written without indexes, deadlines or bounds kept up to date, compared after every word.

use machine::{Origin, Timestamp};
use office::alerts::KEPT_NS;
use office::approvals::{ApprovalStanding, ENDED_KEPT_NS, MoveResult, RecordMove};
use office::{OfficeEvent, OfficeWord};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::desk::{
    Desk, SECOND, acknowledge, approve, ask, heard, person, piece, policy, raise, record, refuse,
};

#[derive(Clone, Debug)]
enum Say {
    Raise(u8),
    Hear(u8, u8),
    Acknowledge(u8),
    Threshold(u16),
    Ask(u8, u16),
    Approve(u8),
    Refuse(u8),
    Booked(u8),
    Config(u8),
    Pass(u32),
}

fn say() -> impl Strategy<Value = (u8, Say)> {
    let word = prop_oneof![
        (0u8..5).prop_map(Say::Raise),
        (0u8..2, 0u8..30).prop_map(|(shard, seq)| Say::Hear(shard, seq)),
        (0u8..12).prop_map(Say::Acknowledge),
        (0u16..3_000).prop_map(Say::Threshold),
        (0u8..6, 0u16..3_000).prop_map(|(reference, amount)| Say::Ask(reference, amount)),
        (0u8..10).prop_map(Say::Approve),
        (0u8..10).prop_map(Say::Refuse),
        (0u8..10).prop_map(Say::Booked),
        (0u8..3).prop_map(Say::Config),
        prop_oneof![1u32..90, Just(86_400 * 31), Just(86_400 * 91)].prop_map(Say::Pass),
    ];
    (1u8..4, word)
}

/// What the twin remembers: everything, for good.
#[derive(Default)]
struct Twin {
    alerts: Vec<(String, u64, Option<Timestamp>)>,
    heard: [i16; 2],
    requests: Vec<Request>,
    above: Option<u16>,
    texts: Vec<u8>,
}

struct Request {
    reference: u8,
    amount: u16,
    uid: u8,
    asked: Timestamp,
    stands: &'static str,
    ended: Timestamp,
}

const WAITS_S: i64 = 60;

impl Twin {
    fn raise(&mut self, subject: String) {
        let open = self.alerts.iter_mut().find(|(known, _, seen)| *known == subject && seen.is_none());
        match open {
            Some((_, times, _)) => *times += 1,
            None => self.alerts.push((subject, 1, None)),
        }
    }

    fn ask(&mut self, uid: u8, reference: u8, amount: u16, now: Timestamp) {
        let taken = |request: &Request| {
            request.reference == reference && ["waits", "approved", "booked"].contains(&request.stands)
        };
        // Who books a reference is forgotten with its request.
        let is_taken = self.requests.iter().any(|request| taken(request) && !retired(request, now));
        if !is_taken && self.above.is_some_and(|above| amount > above) {
            self.requests.push(Request { reference, amount, uid, asked: now, stands: "waits", ended: now });
        }
    }

    fn decide(&mut self, number: u8, from: &str, to: &'static str, now: Timestamp, by: Option<u8>) {
        let Some(request) = self.requests.get_mut(usize::from(number).wrapping_sub(1)) else { return };
        if request.stands == from && by != Some(request.uid) {
            (request.stands, request.ended) = (to, now);
        }
    }

    fn expire(&mut self, now: Timestamp) {
        for request in self.requests.iter_mut().filter(|request| request.stands == "waits") {
            let expires = request.asked.nanos + WAITS_S * SECOND;
            if expires <= now.nanos {
                (request.stands, request.ended) = ("expired", Timestamp::from_nanos(expires));
            }
        }
    }

    fn say(&mut self, uid: u8, word: &Say, now: Timestamp) {
        match *word {
            Say::Raise(subject) => self.raise(format!("s{subject}")),
            Say::Hear(shard, seq) => {
                let last = &mut self.heard[usize::from(shard)];
                if i16::from(seq) >= *last {
                    *last = i16::from(seq) + 1;
                    self.raise("heard".to_owned());
                }
            }
            Say::Acknowledge(number) => {
                if let Some((_, _, seen)) = self.alerts.get_mut(usize::from(number).wrapping_sub(1)) {
                    *seen = seen.or(Some(now));
                }
            }
            Say::Threshold(above) => self.above = Some(above),
            Say::Ask(reference, amount) => self.ask(uid, reference, amount, now),
            Say::Approve(number) => self.decide(number, "waits", "approved", now, Some(uid)),
            Say::Refuse(number) => self.decide(number, "waits", "refused", now, None),
            Say::Booked(number) => self.decide(number, "approved", "booked", now, None),
            Say::Config(text) => {
                if self.texts.last() != Some(&text) {
                    self.texts.push(text);
                }
            }
            Say::Pass(_) => {}
        }
    }
}

fn retired(request: &Request, now: Timestamp) -> bool {
    !["waits", "approved"].contains(&request.stands) && request.ended.nanos + ENDED_KEPT_NS <= now.nanos
}

fn word(word: &Say, at: u64) -> Vec<OfficeWord> {
    vec![match *word {
        Say::Raise(subject) => raise("kind", &format!("s{subject}")),
        Say::Hear(shard, seq) => heard(shard.into(), seq.into(), 0, at, "heard"),
        Say::Acknowledge(number) => acknowledge(number.into(), "seen"),
        Say::Threshold(above) => policy(above.into(), WAITS_S),
        Say::Ask(reference, amount) => ask(amount.into(), &format!("r{reference}")),
        Say::Approve(number) => approve(number.into()),
        Say::Refuse(number) => refuse(number.into(), "no"),
        Say::Booked(number) => {
            let record = RecordMove {
                number: number.into(),
                at: machine::Position::default(),
                result: MoveResult::Booked,
            };
            OfficeWord::Approval(office::approvals::ApprovalWord::Record(record))
        }
        Say::Config(text) => return vec![piece(0, &[b'0' + text]), record(&[b'0' + text], &[])],
        Say::Pass(_) => return Vec::new(),
    }]
}

fn stands(standing: &ApprovalStanding) -> &'static str {
    match standing {
        ApprovalStanding::Waiting => "waits",
        ApprovalStanding::Approved { .. } => "approved",
        ApprovalStanding::CarriedOut { .. } => "booked",
        ApprovalStanding::Refused { .. } => "refused",
        ApprovalStanding::Expired { .. } => "expired",
    }
}

fn compare(desk: &Desk, twin: &Twin) {
    let kept = |seen: &Option<Timestamp>| seen.is_none_or(|seen| seen.nanos + KEPT_NS > desk.now.nanos);
    let alerts: Vec<_> = (1..).zip(&twin.alerts).filter(|(_, (_, _, seen))| kept(seen)).collect();
    let real: Vec<_> = desk
        .office
        .alerts()
        .all()
        .map(|alert| {
            let seen = alert.acknowledgement.as_ref().map(|seen| seen.time);
            (
                alert.number,
                alert.kind.to_string().replace("kind", &alert.subject).replace("overfill", "heard"),
                alert.times,
                seen,
            )
        })
        .collect();
    let twins: Vec<_> = alerts
        .iter()
        .map(|(number, (subject, times, seen))| (*number, subject.clone(), *times, *seen))
        .collect();
    assert_eq!(real, twins);
    let requests: Vec<_> = (1..)
        .zip(&twin.requests)
        .filter(|(_, request)| !retired(request, desk.now))
        .map(|(number, request)| {
            (number, format!("r{}", request.reference), u32::from(request.amount), request.stands)
        })
        .collect();
    let real: Vec<_> = desk
        .office
        .approvals()
        .all()
        .map(|request| {
            let asked = request.asked.cash_move;
            let amount = asked.money.amount.to_string().parse::<u32>().unwrap();
            (request.number, asked.reference.to_string(), amount, stands(&request.standing))
        })
        .collect();
    assert_eq!(real, requests);
    let text = twin.texts.last().map(|text| char::from(b'0' + text).to_string()).unwrap_or_default();
    assert_eq!(
        (desk.office.config_history().text(), desk.office.config_history().count()),
        (text.as_str(), twin.texts.len() as u64)
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300, rng_seed: RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_office_and_its_naive_twin_agree(script in prop::collection::vec(say(), 1..80)) {
        let (mut desk, mut twin) = (Desk::default(), Twin::default());
        for (at, (uid, said)) in (1..).zip(&script) {
            let origin: Origin = person(u32::from(*uid));
            if let Say::Pass(seconds) = said {
                desk.pass(i64::from(*seconds));
                twin.expire(desk.now);
            }
            for word in word(said, at) {
                let answer = desk.say(origin, word);
                prop_assert!(!matches!(answer, OfficeEvent::OfficeOpened));
            }
            twin.say(*uid, said, desk.now);
            compare(&desk, &twin);
        }
    }
}
