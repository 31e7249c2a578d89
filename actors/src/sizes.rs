//! What an order touches stays small: a field too many is another line of memory for each order.

use crate::orders::CELL_BYTES;
use crate::{Account, Holding, InstrumentBook, Portfolio};

/// Bytes of a cache line.
const LINE: usize = 64;

#[test]
fn hot_rows_keep_their_size() {
    for (what, bytes, most) in [
        ("an account's row", size_of::<Account>(), 4),
        ("a portfolio's row", size_of::<Portfolio>(), 4),
        ("an instrument's row", size_of::<InstrumentBook>(), 2),
        ("a holding", size_of::<Holding>(), 2),
        ("an order's place", CELL_BYTES, 5),
        ("the facts of an order", size_of::<risk_gate::FactsRef<'_>>(), 4),
    ] {
        assert!(
            bytes <= most * LINE,
            "{what} takes {bytes} bytes, it had {most} lines: what is cold stands elsewhere"
        );
    }
}
