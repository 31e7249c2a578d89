//! How arguments are read: each says what is allowed.

#[cfg(feature = "quickfix")]
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use model::{Currency, Side, TimeInForce};
#[cfg(feature = "quickfix")]
use node::config::Durability;
#[cfg(feature = "quickfix")]
use trials::crash_proof::Durabilities;
use wire::text::Words;

/// What a request means, as the table of words has it: the help of the command that sends it.
pub(super) fn said(request: &str) -> String {
    let known = wire::requests().into_iter().find(|known| known.word.name == request);
    known.map(|known| known.word.says.trim_end_matches('.').to_owned()).unwrap_or_default()
}

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

/// `process` or `disk`.
#[cfg(feature = "quickfix")]
pub(super) fn durability() -> impl TypedValueParser<Value = Durability> {
    one_of(&[
        (
            "process",
            Durability::Process,
            "Once the record is in the page cache: survives a crash of the process",
        ),
        ("disk", Durability::Disk, "Once the record is on disk: survives a crash of the machine"),
    ])
}

/// `process`, `disk` or `both`.
#[cfg(feature = "quickfix")]
pub(super) fn durabilities() -> impl TypedValueParser<Value = Durabilities> {
    one_of(&[
        ("process", Durabilities::Process, "Outputs leave once their record is in the page cache"),
        ("disk", Durabilities::Disk, "Outputs leave once their record is on disk"),
        ("both", Durabilities::Both, "Now the one, now the other, in the same journal"),
    ])
}

/// One of these words, each shown with what it means.
#[cfg(feature = "quickfix")]
fn one_of<T: Copy + Send + Sync + 'static>(
    choices: &'static [(&'static str, T, &'static str)],
) -> impl TypedValueParser<Value = T> {
    let words = choices.iter().map(|(word, _, help)| PossibleValue::new(*word).help(*help));
    PossibleValuesParser::new(words).try_map(|word| {
        let choice = choices.iter().find(|(name, ..)| *name == word);
        choice.map(|(_, value, _)| *value).ok_or("is none of them")
    })
}
