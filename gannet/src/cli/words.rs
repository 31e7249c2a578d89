//! How arguments are read: each says what is allowed.

use model::{Currency, Side, TimeInForce};

use crate::wire::text::Words;

/// `buy` or `sell`.
pub(super) fn side(text: &str) -> Result<Side, String> {
    Side::from_word(text)
}

/// `day`, `gtc`, `ioc` or `fok`.
pub(super) fn time_in_force(text: &str) -> Result<TimeInForce, String> {
    TimeInForce::from_word(text)
}

/// A limit by its name in the configuration.
pub(super) fn limit_kind(text: &str) -> Result<model::LimitKind, String> {
    model::LimitKind::from_word(text)
}

/// A status by its name.
pub(super) fn status(text: &str) -> Result<model::OrdStatus, String> {
    model::OrdStatus::from_word(text)
}

/// `USD`.
pub(super) fn currency(text: &str) -> Result<Currency, String> {
    Currency::new(text).map_err(|_| "two to eight capital letters or digits, as USD".to_owned())
}
