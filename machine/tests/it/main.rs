//! A machine from outside.

mod counter;
