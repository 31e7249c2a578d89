//! Where kills strike: every crash point, and random instants of either process.

use crash_point::Point;
use node::config::Durability;

/// Where a kill strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At a crash point.
    Point(Point),
    /// At any instant, the node.
    Node,
    /// At any instant, the broker.
    Broker,
    /// At any instant, both.
    Both,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    /// The kills of one world strike at places that are near each other.
    pub(super) world: &'static str,
    /// How often a place is come to before the kill: at most so many times.
    pub(super) most: u64,
    /// Come to only at a start; a kill that leaves something to recover goes before.
    pub(super) at_start: bool,
    /// Come to only under disk durability.
    pub(super) disk_only: bool,
    /// How many kills it gets for each that others get.
    pub(super) weight: u32,
}

impl Row {
    /// Kills it takes to strike here once.
    pub(super) const fn cost(&self) -> u32 {
        if self.at_start { 2 } else { 1 }
    }

    /// True where the broker dies here, whoever else does.
    pub(super) fn kills_broker(&self) -> bool {
        self.world == "broker" || matches!(self.place, Place::Broker | Place::Both)
    }

    /// The kill that goes before, and leaves what this place is about.
    pub(super) const fn before(&self, durability: Durability) -> Option<Place> {
        let Place::Point(point) = self.place else { return None };
        match (point, durability) {
            (Point::RecoveryCut, Durability::Process) => Some(Place::Point(Point::AppendHalfRecord)),
            (Point::RecoveryCut, Durability::Disk) => Some(Place::Point(Point::SyncHalfGroup)),
            (Point::SweepMid, _) => Some(Place::Point(Point::HandoverBefore)),
            (Point::SweepBegun | Point::SweepAsked | Point::SweepSettled, _) => {
                Some(Place::Point(Point::FixStored))
            }
            _ if self.at_start => Some(Place::Node),
            _ => None,
        }
    }

    fn of_point(point: Point) -> Self {
        let stage = point.name().split('.').next().unwrap_or_default();
        let (world, most) = match stage {
            "append" | "apply" => ("records", 300),
            "sync" => ("records", 100),
            "answer" => ("messages", 40),
            "handover" | "fix" => ("messages", 60),
            "report" => ("messages", 120),
            "snapshot" | "roll" => ("files", 1),
            "broker" => ("broker", 120),
            _ => ("starts", 1),
        };
        let most = match point {
            Point::RecoveryMidReplay => 40,
            Point::SweepMid => 3,
            Point::RollCreated => 2,
            _ => most,
        };
        Self {
            place: Place::Point(point),
            name: point.name(),
            meaning: point.meaning(),
            world,
            most,
            at_start: world == "starts",
            disk_only: stage == "sync",
            weight: 1,
        }
    }

    /// Any row, to be renamed.
    pub(super) const fn any() -> Self {
        Self::random(Place::Node, "", "", 1)
    }

    const fn random(place: Place, name: &'static str, meaning: &'static str, weight: u32) -> Self {
        let (world, most, at_start, disk_only) = ("random", 1, false, false);
        Self { place, name, meaning, world, most, at_start, disk_only, weight }
    }
}

/// Every line, in the order of the table.
pub(super) fn all() -> Vec<Row> {
    // An approval takes two people, and these clients are one: `tests/system/office.rs` strikes there.
    let is_of_two = |point: &Point| matches!(point, Point::ApprovalGiven | Point::ApprovalMoved);
    let points = Point::ALL.iter().copied().filter(|point| !is_of_two(point)).map(Row::of_point);
    points
        .chain([
            Row::random(
                Place::Node,
                "random.node",
                "the node is killed at any instant, also of its start",
                4,
            ),
            Row::random(Place::Broker, "random.broker", "the broker is killed at any instant", 2),
            Row::random(Place::Both, "random.both", "both are killed, one soon after the other", 2),
        ])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kill_that_goes_before_is_come_to_while_orders_flow() {
        let rows = all();
        for row in rows.iter().filter(|row| row.at_start) {
            for durability in [Durability::Process, Durability::Disk] {
                let before = row.before(durability).unwrap();
                let before = rows.iter().find(|row| row.place == before).unwrap();
                assert!(!before.at_start && !before.kills_broker(), "{}", row.name);
            }
        }
    }
}
