//! FIX sessions to brokers: session engines, translation, delivery sweep.
