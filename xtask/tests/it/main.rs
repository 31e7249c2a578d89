//! The program from outside.

mod setup;
