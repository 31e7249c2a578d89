//! Tables for people: aligned, numbers to the right with their points under each other, totals below a line.

use std::fmt::Write as _;

use model::Decimal;

/// What stands in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Words, to the left.
    Text(String),
    /// A number, to the right; every number of a column is shown with the same decimals.
    Number(Decimal),
    /// Nothing.
    Blank,
}

impl Cell {
    /// Words.
    #[expect(clippy::needless_pass_by_value, reason = "called as map(Cell::text) and with what is at hand")]
    pub fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// A number, or nothing.
    pub fn number(value: Option<Decimal>) -> Self {
        value.map_or(Self::Blank, Self::Number)
    }

    /// A count.
    pub fn count(value: impl Into<Decimal>) -> Self {
        Self::Number(value.into())
    }
}

/// How a table looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Bold headings, red negatives: only where somebody sees it.
    pub colour: bool,
}

/// A table with a title, headings, rows, and totals.
#[derive(Clone, Debug, Default)]
pub struct Table {
    title: String,
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    totals: Vec<Vec<Cell>>,
}

/// One column, measured.
struct Measured {
    width: usize,
    scale: u32,
    is_number: bool,
}

const GAP: &str = "  ";

impl Table {
    /// Without rows yet.
    pub fn new(title: impl Into<String>, headings: &[&'static str]) -> Self {
        Self { title: title.into(), headings: headings.to_vec(), ..Self::default() }
    }

    /// Adds a row: as many cells as headings.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Adds a line below the rule.
    pub fn total(&mut self, cells: Vec<Cell>) {
        self.totals.push(cells);
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each with its line feed.
    pub fn render(&self, style: Style) -> String {
        let columns: Vec<Measured> = (0..self.headings.len()).map(|column| self.measure(column)).collect();
        let mut out = String::new();
        line(&mut out, &emphasised(&self.title, style));
        if self.rows.is_empty() {
            line(&mut out, "  none");
            return out;
        }
        let headings: Vec<String> =
            self.headings.iter().zip(&columns).map(|(heading, column)| column.place(heading)).collect();
        line(&mut out, &emphasised(headings.join(GAP).trim_end(), style));
        let width =
            columns.iter().map(|column| column.width).sum::<usize>() + GAP.len() * (columns.len().max(1) - 1);
        let rule = "─".repeat(width);
        line(&mut out, &rule);
        for row in &self.rows {
            line(&mut out, &fields(row, &columns, style));
        }
        if !self.totals.is_empty() {
            line(&mut out, &rule);
        }
        for row in &self.totals {
            line(&mut out, &fields(row, &columns, style));
        }
        out
    }

    fn measure(&self, column: usize) -> Measured {
        let cells = || self.rows.iter().chain(&self.totals).filter_map(|row| row.get(column));
        let scale = |cell: &Cell| match cell {
            Cell::Number(number) => number.normalize().scale(),
            _ => 0,
        };
        let scale = cells().map(scale).max().unwrap_or(0);
        let is_number = cells().any(|cell| matches!(cell, Cell::Number(_)));
        let heading = self.headings.get(column).map_or(0, |heading| heading.chars().count());
        let widest = cells().map(|cell| shown(cell, scale).chars().count()).max().unwrap_or(0);
        Measured { width: heading.max(widest), scale, is_number }
    }
}

impl Measured {
    fn place(&self, text: &str) -> String {
        let width = self.width;
        if self.is_number { format!("{text:>width$}") } else { format!("{text:<width$}") }
    }
}

fn fields(row: &[Cell], columns: &[Measured], style: Style) -> String {
    let field = |(cell, column): (&Cell, &Measured)| {
        let placed = column.place(&shown(cell, column.scale));
        let is_negative =
            matches!(cell, Cell::Number(number) if number.is_sign_negative() && !number.is_zero());
        if style.colour && is_negative { format!("\x1b[31m{placed}\x1b[0m") } else { placed }
    };
    row.iter().zip(columns).map(field).collect::<Vec<_>>().join(GAP).trim_end().to_owned()
}

fn shown(cell: &Cell, scale: u32) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => grouped(*number, scale),
        Cell::Blank => String::new(),
    }
}

/// `-1,234,567.50`: at least `scale` decimals, never fewer than the number has.
pub fn grouped(number: Decimal, scale: u32) -> String {
    let number = number.normalize();
    let digits = number.abs().to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut text = String::new();
    if number.is_sign_negative() && !number.is_zero() {
        text.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let decimals = usize::try_from(scale).unwrap_or(0).max(fraction.len());
    if decimals > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, ".{fraction:0<decimals$}");
    }
    text
}

fn emphasised(text: &str, style: Style) -> String {
    if style.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Cell {
        Cell::Number(text.parse().unwrap())
    }

    fn cash() -> Table {
        let mut table = Table::new("Cash", &["ACCOUNT", "CCY", "SETTLED", "AVAILABLE"]);
        table.row(vec![Cell::text("GROWTH-1"), Cell::text("USD"), number("1234567.5"), number("-12.25")]);
        table.row(vec![Cell::text("INCOME-1"), Cell::text("USD"), number("0"), Cell::Blank]);
        table.total(vec![Cell::text("total"), Cell::text("USD"), number("1234567.50"), number("-12.25")]);
        table
    }

    #[test]
    fn points_stand_under_each_other_and_totals_below_a_rule() {
        let shown = concat!(
            "Cash\n",
            "ACCOUNT   CCY      SETTLED  AVAILABLE\n",
            "─────────────────────────────────────\n",
            "GROWTH-1  USD  1,234,567.5     -12.25\n",
            "INCOME-1  USD          0.0\n",
            "─────────────────────────────────────\n",
            "total     USD  1,234,567.5     -12.25\n",
        );
        assert_eq!(cash().render(Style::default()), shown);
    }

    #[test]
    fn colour_is_only_added_where_it_is_asked_for() {
        assert!(!cash().render(Style::default()).contains('\x1b'));
        let coloured = cash().render(Style { colour: true });
        assert!(coloured.contains("\x1b[31m   -12.25\x1b[0m") && coloured.starts_with("\x1b[1mCash\x1b[0m"));
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Table::new("Orders", &["ORDER"]).render(Style::default()), "Orders\n  none\n");
    }

    #[test]
    fn numbers_are_grouped_and_lose_no_digit() {
        for (number, scale, text) in [
            ("0", 0, "0"),
            ("999", 0, "999"),
            ("1000", 2, "1,000.00"),
            ("-1000000.126", 2, "-1,000,000.126"),
            ("0.000000000000000001", 0, "0.000000000000000001"),
        ] {
            assert_eq!(grouped(number.parse().unwrap(), scale), text);
        }
    }
}
