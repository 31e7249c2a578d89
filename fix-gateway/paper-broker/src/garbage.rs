//! Malformed messages, sent on purpose in mode `garbage`: a counterparty must bear them.
//!
//! None carries an execution that could be booked: a trade lacks its `ExecID`.

use quickfix::{FieldMap, Message, QuickFixError};

use crate::dice::Dice;
use crate::wire::blank;

/// What is wrong with it, and the fields after the message type.
type Variant = (&'static str, &'static str, &'static [(i32, &'static str)]);

const VARIANTS: &[Variant] = &[
    ("empty report", "8", &[(58, "nothing else")]),
    (
        "unknown exec type",
        "8",
        &[
            (37, "X"),
            (17, "GARBAGE-1"),
            (150, "Z"),
            (39, "Z"),
            (55, "IBM"),
            (54, "1"),
            (14, "0"),
            (151, "0"),
            (6, "0"),
        ],
    ),
    (
        "trade without ExecID and ClOrdID",
        "8",
        &[
            (37, "X"),
            (150, "F"),
            (39, "1"),
            (55, "IBM"),
            (54, "1"),
            (32, "1"),
            (31, "1"),
            (14, "1"),
            (151, "1"),
        ],
    ),
    (
        "numbers that are none",
        "8",
        &[
            (37, "X"),
            (11, "X"),
            (17, "GARBAGE-2"),
            (150, "0"),
            (39, "0"),
            (14, "abc"),
            (151, "1e400"),
            (6, "--1"),
        ],
    ),
    (
        "report on an order nobody sent",
        "8",
        &[
            (37, "X"),
            (11, "no-such-order"),
            (17, "GARBAGE-3"),
            (150, "0"),
            (39, "0"),
            (14, "0"),
            (151, "5"),
            (6, "0"),
        ],
    ),
    ("unknown message type", "UZ", &[(20001, "odd"), (20002, "odder"), (58, "\u{fc}\u{20ac}")]),
    ("cancel reject without anything", "9", &[(58, "which?")]),
    (
        "odd tags",
        "8",
        &[(150, "I"), (39, "0"), (17, "GARBAGE-4"), (20001, "odd"), (99_999, "odder"), (58, "|=|")],
    ),
];

/// One of them, always the same for the same identifier, and its name.
pub(crate) fn garbage(dice: Dice, id: &str) -> Result<Option<(&'static str, Message)>, QuickFixError> {
    let last = (VARIANTS.len() as u64).saturating_sub(1);
    let chosen = usize::try_from(dice.between("garbage", id, 0, last)).unwrap_or(0);
    let Some((name, msg_type, fields)) = VARIANTS.get(chosen) else { return Ok(None) };
    let mut message = blank(msg_type)?;
    for (tag, text) in *fields {
        message.set_field(*tag, *text)?;
    }
    Ok(Some((name, message)))
}
