//! Whole-system tests: real processes, sockets and kills.
