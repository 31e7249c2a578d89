//! Account and portfolio actors: orders, positions and the double-entry cash ledger, behind one pure apply.
