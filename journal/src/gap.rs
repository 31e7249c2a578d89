//! What of a journal is not here though it must be.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// A journal that is not whole: which records are missing, and up to where it can be read all the same.
///
/// Known from the control file, from the file that says what was moved elsewhere, and from the segments that are here.
/// Whatever was written after the last word of the control file, and is gone without leaving a segment behind it, is
/// missed by nobody: a kill leaves the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The journal's directory.
    pub dir: PathBuf,
    /// Every record that belongs here up to this one is here; one less than the first where not even that is.
    pub holds_to: u64,
    /// What is missing, in order; never empty.
    pub missing: Vec<Stretch>,
    /// Records that were moved elsewhere on purpose, and where to: up to which one.
    pub moved: Option<(u64, String)>,
}

/// Records in a row that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The segments that held them; `None` where the segment is here, but is an older copy of itself.
    pub segments: Option<RangeInclusive<u64>>,
    /// The first record that is missing.
    pub first_seq: u64,
    /// The last one; `None` where nothing tells, since nothing behind it is here.
    pub last_seq: Option<u64>,
    /// There may be more behind `last_seq`: it is only what the control file knows of.
    pub may_be_more: bool,
    /// Where its files were last known to be: the journal's directory, or what a repair kept of it.
    pub last_known: PathBuf,
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.segments {
            Some(segments) if segments.start() == segments.end() => {
                write!(f, "segment {} with ", segments.start())?;
            }
            Some(segments) => write!(f, "segments {} to {} with ", segments.start(), segments.end())?,
            None => {}
        }
        match self.last_seq {
            Some(last) if self.may_be_more => write!(f, "records {} to at least {last}", self.first_seq)?,
            Some(last) => write!(f, "records {} to {last}", self.first_seq)?,
            None => write!(f, "what there was from record {} on", self.first_seq)?,
        }
        write!(f, ", last known in {}", self.last_known.display())
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not whole: missing ", self.dir.display())?;
        for (position, stretch) in self.missing.iter().enumerate() {
            let between = if position == 0 { "" } else { "; " };
            write!(f, "{between}{stretch}")?;
        }
        if let Some((last, place)) = &self.moved {
            write!(f, " (records 1 to {last} were moved to {place})")?;
        }
        write!(f, "; up to record {} it can be read, with --up-to-gap", self.holds_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_missing_and_how_far_it_can_be_read() {
        let stretch = |segments, first_seq, last_seq, may_be_more| Stretch {
            segments,
            first_seq,
            last_seq,
            may_be_more,
            last_known: PathBuf::from("/j"),
        };
        let mut gap = Gap {
            dir: PathBuf::from("/j"),
            holds_to: 103,
            missing: vec![
                stretch(Some(3..=3), 104, Some(230), false),
                stretch(Some(7..=9), 900, None, false),
            ],
            moved: None,
        };
        assert_eq!(
            gap.to_string(),
            "/j: not whole: missing segment 3 with records 104 to 230, last known in /j; segments 7 to 9 with what \
             there was from record 900 on, last known in /j; up to record 103 it can be read, with --up-to-gap"
        );
        gap.missing = vec![stretch(None, 104, Some(110), true)];
        gap.moved = Some((50, "/attic".to_owned()));
        assert_eq!(
            gap.to_string(),
            "/j: not whole: missing records 104 to at least 110, last known in /j (records 1 to 50 were moved to \
             /attic); up to record 103 it can be read, with --up-to-gap"
        );
    }
}
