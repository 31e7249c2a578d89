//! The instruments file: TOML (`[[instrument]]`) or CSV with the same columns, told apart by its ending.

use std::path::Path;

use model::{AssetClass, Currency, Price, Quantity, Symbol};
use readable::suggest::{did_you_mean, listed};

use super::InstrumentEntry;
use super::section::{Allowed, Problems, Section, parse_document};
use super::source::{At, Source};
use super::value;

/// Beyond this no market settles: `model::Instrument::check`.
const MOST_SETTLEMENT_DAYS: u8 = 30;

const ASSET_CLASSES: &[(&str, AssetClass)] = &[
    ("equity", AssetClass::Equity),
    ("fund", AssetClass::Fund),
    ("crypto", AssetClass::Crypto),
    ("fx", AssetClass::Fx),
];

const COLUMNS: [&str; 7] =
    ["symbol", "asset_class", "currency", "tick", "lot", "multiplier", "settlement_days"];

pub(super) fn read(source: &Source, problems: &Problems) -> Vec<InstrumentEntry> {
    let entries = if source.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        csv(source, problems)
    } else {
        toml(source, problems)
    };
    if entries.is_empty() && problems.are_none() {
        problems.add(source.line(1), "instrument", format!("{} defines no instrument", shown(&source.file)));
    }
    entries
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn toml(source: &Source, problems: &Problems) -> Vec<InstrumentEntry> {
    let document = match parse_document(source) {
        Ok(document) => document,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let root = Section::new(source, problems, "", document.span(), document.get_ref());
    let entries = root.tables("instrument").into_iter().filter_map(entry).collect();
    root.finish();
    entries
}

fn entry(section: Section<'_>) -> Option<InstrumentEntry> {
    let at = section.at();
    let symbol = section.required("symbol", value::text);
    let asset_class = section.required("asset_class", value::one_of(ASSET_CLASSES));
    let currency = section.required("currency", value::currency);
    let tick = section.required("tick", value::positive);
    let lot = section.required("lot", value::positive);
    let multiplier = section.optional("multiplier", value::positive);
    let settlement_days = section.required("settlement_days", value::whole(0, MOST_SETTLEMENT_DAYS));
    section.finish();
    Some(InstrumentEntry {
        at,
        symbol: symbol?.value,
        asset_class: asset_class?.value,
        currency: currency?.value,
        tick: Price::new(tick?.value),
        lot: Quantity::new(lot?.value),
        multiplier: multiplier.map_or(Quantity::from(1), |multiplier| Quantity::new(multiplier.value)),
        settlement_days: settlement_days?.value,
    })
}

fn csv(source: &Source, problems: &Problems) -> Vec<InstrumentEntry> {
    let mut rows = source.text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    let Some((index, header)) = rows.next() else { return Vec::new() };
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    if !header_is_known(&source.line(index + 1), &names, problems) {
        return Vec::new();
    }
    rows.filter_map(|(index, line)| Row::new(source, problems, &names, index + 1, line)?.entry()).collect()
}

/// Every column known and every needed one there: without that no row can be read.
fn header_is_known(at: &At, names: &[&str], problems: &Problems) -> bool {
    let mut good = true;
    for name in names {
        let known = COLUMNS.contains(name);
        if !known || names.iter().filter(|other| *other == name).count() > 1 {
            let hint = did_you_mean(name, COLUMNS);
            let what = if known {
                "stands twice in the header".to_owned()
            } else {
                format!("is not a column{hint}")
            };
            problems.add(at.clone(), name, format!("{what}; allowed are {}", listed(COLUMNS)));
            good = false;
        }
    }
    for needed in COLUMNS.iter().filter(|column| **column != "multiplier" && !names.contains(column)) {
        problems.add(at.clone(), needed, "the column is missing");
        good = false;
    }
    good
}

/// One line of the CSV file: the fields with the columns in which they start.
struct Row<'a> {
    at: At,
    fields: Vec<(&'a str, &'a str, usize)>,
    problems: &'a Problems,
}

impl<'a> Row<'a> {
    fn new(
        source: &Source,
        problems: &'a Problems,
        names: &[&'a str],
        line: usize,
        text: &'a str,
    ) -> Option<Self> {
        let at = source.line(line);
        let values: Vec<&str> = text.split(',').collect();
        if values.len() != names.len() {
            let counts = format!("the line has {} fields, the header {}", values.len(), names.len());
            problems.add(at, "instrument", counts);
            return None;
        }
        let mut column = 1;
        let mut fields = Vec::with_capacity(values.len());
        for (name, value) in names.iter().zip(values) {
            fields.push((*name, value.trim(), column));
            column += value.chars().count() + 1;
        }
        Some(Self { at, fields, problems })
    }

    fn field<T>(&self, key: &str, convert: impl FnOnce(&str) -> Result<T, Allowed>) -> Option<T> {
        let (name, value, column) = self.fields.iter().find(|(name, ..)| *name == key)?;
        let at = At { column: *column, ..self.at.clone() };
        convert(value).map_err(|allowed| self.problems.add(at, &format!("instrument.{name}"), allowed)).ok()
    }

    fn entry(&self) -> Option<InstrumentEntry> {
        let positive = |text: &str| value::decimal_digits(text).and_then(value::above_zero);
        let symbol =
            self.field("symbol", |text| Symbol::new(text).map_err(|error| format!("\"{text}\" {error}")));
        let asset_class = self.field("asset_class", |text| value::word_of(ASSET_CLASSES, text));
        let currency: Option<Currency> = self.field("currency", value::currency_code);
        let tick = self.field("tick", positive);
        let lot = self.field("lot", positive);
        let has_multiplier = self.fields.iter().any(|(name, ..)| *name == "multiplier");
        let multiplier =
            if has_multiplier { self.field("multiplier", positive).map(Quantity::new) } else { None };
        let settlement_days = self.field("settlement_days", settlement_days);
        Some(InstrumentEntry {
            at: self.at.clone(),
            symbol: symbol?,
            asset_class: asset_class?,
            currency: currency?,
            tick: Price::new(tick?),
            lot: Quantity::new(lot?),
            multiplier: multiplier.unwrap_or(Quantity::from(1)),
            settlement_days: settlement_days?,
        })
    }
}

fn settlement_days(text: &str) -> Result<u8, Allowed> {
    let days = text.parse::<u8>().ok().filter(|days| *days <= MOST_SETTLEMENT_DAYS);
    days.ok_or_else(|| format!("\"{text}\" is not a whole number from 0 to {MOST_SETTLEMENT_DAYS}"))
}
