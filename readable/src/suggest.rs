//! Did you mean: the nearest of the names that are allowed.

use std::fmt::Write as _;

/// `; did you mean "x"?` for the nearest name, or nothing where none is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .min()
        // A third of the letters may be wrong, and at least one.
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .map(|(_, name)| format!("; did you mean \"{name}\"?"))
        .unwrap_or_default()
}

/// `"a", "b", "c"`, cut after a dozen.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let mut names = names.into_iter();
    let mut text =
        names.by_ref().take(SHOWN).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let rest = names.count();
    if rest > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, " and {rest} more");
    }
    if text.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let known = ["journal", "socket", "shards"];
        assert_eq!(did_you_mean("jornal", known), "; did you mean \"journal\"?");
        assert_eq!(did_you_mean("Socket", known), "; did you mean \"socket\"?");
        assert_eq!(did_you_mean("colour", known), "");
        assert_eq!(did_you_mean("x", []), "");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(listed(names.iter().map(String::as_str)).ends_with("and 8 more"));
        assert_eq!(listed([]), "none");
    }
}
