//! Version numbers as tools print them.

use std::fmt;

/// Major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// A version with patch level 0.
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, patch: 0 }
    }

    /// The first word of `text` that is a version: `1.95`, `3.25.1`, `1.97.0-nightly`.
    pub(crate) fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::from_word)
    }

    fn from_word(word: &str) -> Option<Self> {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
        let mut parts = word.get(..end)?.split('.').map(str::parse::<u32>);
        let major = parts.next()?.ok()?;
        let minor = parts.next()?.ok()?;
        let patch = parts.next().and_then(Result::ok).unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_tools_print() {
        for (text, shown) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", "1.95.0"),
            ("rustc 1.97.0-nightly (abc 2026-06-01)", "1.97.0"),
            ("cmake version 3.25.1\n\nCMake suite maintained by Kitware", "3.25.1"),
            ("Python 3.11.2", "3.11.2"),
            ("GNU Make 4.3\nBuilt for x86_64-pc-linux-gnu", "4.3.0"),
            ("cmake version 4.0.0-rc1", "4.0.0"),
        ] {
            assert_eq!(Version::find(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn a_text_without_a_version_has_none() {
        for text in ["", "command not found", "built 2026", "v1.2", "1."] {
            assert_eq!(Version::find(text), None, "{text}");
        }
    }

    #[test]
    fn order_is_by_number() {
        assert!(Version::find("1.100.0") > Version::find("1.95.3"));
        assert!(Version::new(3, 12) <= Version::find("3.12").unwrap());
    }
}
