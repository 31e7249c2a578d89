//! Test programs: one for each crate, but for what must be a process of its own and says why.

use std::fs;

use super::{members, root};

#[test]
fn a_test_program_beside_the_one_says_why() {
    let mut beside = 0;
    for member in members() {
        let folder = root().join(&member).join("tests");
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                let is_a_program = path.join("main.rs").exists();
                assert!(!is_a_program || path.ends_with("it"), "{}: a module of it/", path.display());
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let mut head = text.lines().take_while(|line| line.starts_with("//!"));
                let says_why = head.any(|line| line.starts_with("//! A process of its own: "));
                assert!(says_why, "{}: a module of it/, or it says why not", path.display());
                beside += 1;
            }
        }
    }
    assert!(beside > 4, "those with an allocator of their own have moved: {beside}");
}
