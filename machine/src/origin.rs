//! Who asked for a command, through which door it came in, and what caused it: journalled in front of every command.

use crate::Position;

journalled! {
    /// Who asked, and how the command came in.
    #[derive(Default, Hash)]
    pub struct Origin {
        /// The person or program, by the node's own list of them; 0 where that list has no name for it: then the user of
        /// the operating system says who it was.
        pub principal: u32,
        /// The operating system's user.
        pub uid: u32,
        /// The connection or in-process client, counted from the start of the process; 0 is the node itself.
        pub client: u32,
        /// How it came in.
        pub door: Door,
    }

    /// The way a command came in. Doors are numbered by place in journals: a new one goes to the end.
    #[derive(Default, PartialOrd, Ord, Hash)]
    pub enum Door {
        /// The node itself: its configuration, its timers, its audit.
        #[default]
        Node,
        /// A strategy in the node's own process.
        InProcess,
        /// The local socket.
        LocalSocket,
        /// A client's FIX session.
        Fix,
        /// The network interface for programs.
        Api,
    }

    /// What caused a command that nobody asked for: the record it follows from, and which of that record's consequences
    /// it is. A command with the same cause is the same command.
    #[derive(PartialOrd, Ord, Hash)]
    pub struct CausedBy {
        /// The record.
        pub position: Position,
        /// Which of the record's consequences, from 0.
        pub index: u32,
    }
}

impl Door {
    /// Every door, by number.
    pub const ALL: &'static [Self] = &[Self::Node, Self::InProcess, Self::LocalSocket, Self::Fix, Self::Api];

    /// The number that stands in journals.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The door with this number.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Node => "the node itself",
            Self::InProcess => "in process",
            Self::LocalSocket => "the local socket",
            Self::Fix => "FIX",
            Self::Api => "the API",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_found_by_its_number() {
        for door in Door::ALL {
            assert_eq!(Door::numbered(door.number()), Some(*door));
        }
        let known = (0..=u8::MAX).filter(|number| Door::numbered(*number).is_some()).count();
        assert_eq!(known, Door::ALL.len());
    }
}
