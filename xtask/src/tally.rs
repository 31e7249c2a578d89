//! How many tests passed, read from the lines the test programs print.

use std::fmt;
use std::ops::AddAssign;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TestCount {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
}

impl TestCount {
    /// Reads `test result: ok. 12 passed; 0 failed; ...`, the last line of a test program.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?;
        let count = |word: &str| {
            let (before, _) = counts.split_once(word)?;
            before.split_whitespace().next_back()?.parse().ok()
        };
        Some(Self { passed: count(" passed")?, failed: count(" failed")? })
    }
}

/// The name in `test a::b ... FAILED`, the line of a test that failed.
pub(crate) fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

impl AddAssign for TestCount {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for TestCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_last_line_of_a_test_program() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.5s";
        assert_eq!(TestCount::from_line(line), Some(TestCount { passed: 12, failed: 3 }));
        assert_eq!(TestCount::from_line("test result: ok. 0 passed; 0 failed;"), Some(TestCount::default()));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "test a ... ok", "running 3 tests", "test result: ", "12 passed; 3 failed"] {
            assert_eq!(TestCount::from_line(line), None, "{line}");
        }
    }

    #[test]
    fn the_name_of_a_test_that_failed() {
        assert_eq!(failed_test("test a::b ... FAILED"), Some("a::b"));
        assert_eq!(failed_test("test a::b ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 1 passed; 1 failed;"), None);
    }

    #[test]
    fn prints_as_one_line_that_a_program_may_read() {
        let mut sum = TestCount { passed: 1, failed: 0 };
        sum += TestCount { passed: 2, failed: 1 };
        assert_eq!(sum.to_string(), "3 passed, 1 failed");
    }
}
