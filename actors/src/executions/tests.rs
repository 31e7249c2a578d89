//! The table against plain maps.

use alloc::collections::BTreeMap;

use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rustc_hash::FxBuildHasher;

use super::*;
use crate::Provision;
use crate::orders::Orders;
use crate::store::growth::Spare;

const TODAY: Date = Date { days: 20_000 };

fn key(broker: u16, number: u32) -> Key {
    Key::new(BrokerId::new(broker), ExecId::new(&alloc::format!("E{number}")).unwrap())
}

fn execution(quantity: u32) -> Execution {
    Execution { order: None, quantity: quantity.into(), price: 1u32.into() }
}

#[test]
fn a_repetition_is_told_from_a_conflict() {
    let mut executions = Executions::default();
    let key = key(1, 1);
    executions.remember(&key, Some(TODAY), TODAY, execution(5));
    assert_eq!(executions.seen(&key, Some(TODAY), TODAY, &execution(5)), Seen::Same);
    assert_eq!(executions.seen(&key, None, TODAY, &execution(5)), Seen::Same);
    assert_eq!(executions.seen(&key, Some(TODAY), TODAY, &execution(6)), Seen::Otherwise);
    assert_eq!(executions.seen(&self::key(2, 1), Some(TODAY), TODAY, &execution(5)), Seen::Never);
    let tomorrow = Date { days: TODAY.days + 1 };
    assert_eq!(executions.seen(&key, Some(tomorrow), tomorrow, &execution(5)), Seen::Never);
}

#[test]
fn what_is_forgotten_is_not_taken_for_new() {
    let mut executions = Executions::default();
    let key = key(1, 1);
    executions.remember(&key, Some(TODAY), TODAY, execution(5));
    let later = Date { days: TODAY.days + REMEMBERED_DAYS + 1 };
    executions.remember(&self::key(1, 2), Some(later), later, execution(5));
    assert_eq!(executions.days.len(), 1);
    assert_eq!(executions.seen(&key, Some(TODAY), later, &execution(5)), Seen::TooOld);
}

/// The naive twin: a map for each day, and all of a day gone at once.
#[derive(Default)]
struct Twin {
    days: BTreeMap<Date, IndexMap<(BrokerId, ExecId), Execution, FxBuildHasher>>,
}

impl Twin {
    fn find(&self, key: &Key, stated: Option<Date>) -> Option<Execution> {
        let name = (key.broker, key.exec_id);
        match stated {
            Some(date) => self.days.get(&date)?.get(&name).copied(),
            None => self.days.values().find_map(|day| day.get(&name).copied()),
        }
    }

    fn remember(&mut self, key: &Key, stated: Option<Date>, today: Date, execution: Execution) {
        self.days.retain(|date, _| date.days >= today.days - REMEMBERED_DAYS);
        self.days.entry(stated.unwrap_or(today)).or_default().insert((key.broker, key.exec_id), execution);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100, rng_seed: RngSeed::Fixed(29), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Names come again on other days, days are stated or not, and pass, now and then many at once.
    #[test]
    fn any_history_leads_to_what_plain_maps_hold(
        steps in proptest::collection::vec((0u8..32, 0u16..2, 0u32..40, 0i32..8), 1..600),
    ) {
        let (mut executions, mut twin, mut today) = (Executions::default(), Twin::default(), TODAY);
        for (kind, broker, number, back) in steps {
            match kind {
                0 => today.days += 1,
                1 => today.days += back * 3,
                2 => if let Some(want) = executions.wants() {
                    Provision::new(want).give(&mut Orders::default(), &mut executions, &mut Spare::default());
                },
                3 => {
                    let bytes = borsh::to_vec(&executions).unwrap();
                    let again: Executions = borsh::from_slice(&bytes).unwrap();
                    prop_assert!(again == executions);
                    executions = again;
                }
                _ => {}
            }
            let (key, execution) = (key(broker, number), execution(number + u32::from(kind) % 2));
            let stated = (back < 6).then_some(Date { days: today.days - back * 3 });
            let expected = match twin.find(&key, stated) {
                _ if back * 3 > REMEMBERED_DAYS && stated.is_some() => Seen::TooOld,
                None => Seen::Never,
                Some(known) if known == execution => Seen::Same,
                Some(_) => Seen::Otherwise,
            };
            prop_assert_eq!(executions.seen(&key, stated, today, &execution), expected);
            if expected == Seen::Never {
                executions.remember(&key, stated, today, execution);
                twin.remember(&key, stated, today, execution);
                prop_assert_eq!(executions.seen(&key, stated, today, &execution), Seen::Same);
            }
            prop_assert_eq!(borsh::to_vec(&executions).unwrap(), borsh::to_vec(&twin.days).unwrap());
        }
    }
}

/// What a day leaves behind is cleared away while as many come again, and its room is used.
#[test]
fn a_month_of_equal_days_takes_the_room_of_a_fortnight() {
    const A_DAY: u32 = 1_000;
    let mut executions = Executions::default();
    for day in 0..40 {
        let today = Date { days: TODAY.days + day };
        let first = day.cast_unsigned() * A_DAY;
        for number in first..first + A_DAY {
            executions.remember(&key(1, number), None, today, execution(5));
        }
    }
    let (used, vacant) = executions.booked.counts();
    let days = usize::try_from(REMEMBERED_DAYS).unwrap() + 2;
    assert!(used <= days * A_DAY as usize, "{used} places");
    assert_eq!((used - vacant, executions.forgotten), ((days - 1) * A_DAY as usize, NOWHERE));
}

#[test]
fn what_no_history_leads_to_is_not_read() {
    let mut executions = Executions::default();
    executions.remember(&key(1, 1), Some(TODAY), TODAY, execution(5));
    let bytes = borsh::to_vec(&executions).unwrap();
    let (day, of_day) = (&bytes[4..8], &bytes[12..]);
    let read = |parts: &[&[u8]]| borsh::from_slice::<Executions>(&parts.concat());
    assert!(read(&[&[1, 0, 0, 0], day, &[1, 0, 0, 0], of_day]).is_ok());
    assert!(read(&[&[1, 0, 0, 0], day, &[2, 0, 0, 0], of_day, of_day]).is_err());
    assert!(read(&[&[2, 0, 0, 0], day, &[0, 0, 0, 0], day, &[1, 0, 0, 0], of_day]).is_err());
    assert!(read(&[&[1, 0, 0, 0], day, &[2, 0, 0, 0], of_day]).is_err());
    assert_eq!(read(&[&[0; 4]]).unwrap(), Executions::default());
}
