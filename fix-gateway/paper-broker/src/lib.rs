//! A paper broker: a FIX acceptor that fills orders against a market and keeps its own log.
