//! How the kills are shared out among the places.

use node::config::Durability;

use super::CrashProofOptions;
use super::rows::{self, Row};
use crate::TrialError;
use crate::flow::Dice;

/// What durability the node runs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durabilities {
    /// Outputs leave once their record is in the page cache.
    Process,
    /// Outputs leave once their record is on disk.
    Disk,
    /// Now the one, now the other, in the same journal.
    #[default]
    Both,
}

/// How often a place is struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) row: Row,
    pub(super) strikes: u32,
}

impl Durabilities {
    /// The durability of strike number `strike` at a place.
    pub(super) const fn of(self, row: &Row, strike: u32) -> Durability {
        match self {
            Self::Disk => Durability::Disk,
            Self::Both if row.disk_only || strike % 2 == 1 => Durability::Disk,
            Self::Both | Self::Process => Durability::Process,
        }
    }
}

/// Every place once, in an order of the seed's choice, as long as there are kills; then again, by weight.
pub(super) fn plan(options: &CrashProofOptions) -> Result<Vec<Planned>, TrialError> {
    let mut planned: Vec<Planned> =
        chosen(options)?.into_iter().map(|row| Planned { row, strikes: 0 }).collect();
    let mut left = options.kills;
    let mut order: Vec<usize> = (0..planned.len()).collect();
    shuffle(&mut order, &mut Dice::new(options.seed));
    for round in 0u32.. {
        let before = left;
        for index in &order {
            let Some(Planned { row, strikes }) = planned.get_mut(*index) else { continue };
            for _ in 0..if round == 0 { 1 } else { row.weight } {
                if row.cost() <= left {
                    left -= row.cost();
                    *strikes += 1;
                }
            }
        }
        if left == before {
            break;
        }
    }
    planned.retain(|planned| planned.strikes > 0);
    Ok(planned)
}

/// The lines that were asked for and that there can be.
fn chosen(options: &CrashProofOptions) -> Result<Vec<Row>, TrialError> {
    let rows = rows::all();
    for name in &options.points {
        let row = rows.iter().find(|row| row.name == name);
        let row = row.ok_or_else(|| TrialError::Asked(unknown(name, &rows)))?;
        if row.disk_only && options.durability == Durabilities::Process {
            let why = format!("{name} is only come to under disk durability; --durability disk, or both");
            return Err(TrialError::Asked(why));
        }
    }
    let is_chosen =
        |row: &Row| options.points.is_empty() || options.points.iter().any(|name| name == row.name);
    let is_there = |row: &Row| !row.disk_only || options.durability != Durabilities::Process;
    Ok(rows.into_iter().filter(|row| is_chosen(row) && is_there(row)).collect())
}

fn unknown(name: &str, rows: &[Row]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    format!("there is no crash point \"{name}\"; there are {}", names.join(", "))
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], dice: &mut Dice) {
    for last in (1..order.len()).rev() {
        let other = dice.below(last as u64 + 1);
        order.swap(last, usize::try_from(other).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(kills: u32) -> CrashProofOptions {
        CrashProofOptions { kills, ..CrashProofOptions::default() }
    }

    fn kills(planned: &[Planned]) -> u32 {
        planned.iter().map(|planned| planned.strikes * planned.row.cost()).sum()
    }

    #[test]
    fn every_kill_is_planned_and_every_place_struck() {
        for wanted in [1, 10, 200, 1000] {
            let planned = plan(&options(wanted)).unwrap();
            // Where the last place takes two kills, one may be left over.
            assert!((wanted - 1..=wanted).contains(&kills(&planned)), "{wanted}");
        }
        assert_eq!(plan(&options(200)).unwrap().len(), rows::all().len());
        assert!(plan(&options(0)).unwrap().is_empty());
    }

    #[test]
    fn only_what_was_asked_for() {
        let asked = |names: &[&str], durability| {
            let points = names.iter().map(|name| (*name).to_owned()).collect();
            plan(&CrashProofOptions { durability, points, ..options(9) })
        };
        let planned = asked(&["append.after", "recovery.cut"], Durabilities::Both).unwrap();
        let names: Vec<&str> = planned.iter().map(|planned| planned.row.name).collect();
        assert_eq!(names, ["append.after", "recovery.cut"]);
        assert_eq!(kills(&planned), 9);
        assert!(
            asked(&["append.never"], Durabilities::Both).unwrap_err().to_string().contains("append.after")
        );
        assert!(asked(&["sync.before"], Durabilities::Process).is_err());
        assert!(asked(&["sync.before"], Durabilities::Disk).is_ok());
    }

    #[test]
    fn both_durabilities_take_turns() {
        let row = rows::all()[0];
        let turns = [0, 1, 2].map(|strike| Durabilities::Both.of(&row, strike));
        assert_eq!(turns, [Durability::Process, Durability::Disk, Durability::Process]);
    }
}
