//! The examples do what they say: each checks itself and ends well.
#![allow(clippy::unwrap_used, missing_docs)]

#[test]
fn crash_and_replay_loses_nothing() {
    // `cargo test` builds examples beside the tests.
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().unwrap().parent().unwrap().join("examples").join("crash_and_replay");
    let output = std::process::Command::new(&example).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("the journal holds"));
}
