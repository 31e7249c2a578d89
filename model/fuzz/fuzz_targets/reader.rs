//! `RUSTC_BOOTSTRAP=1 cargo fuzz run reader` in `model/`: searches for edits of a good journal at which something
//! that reads it panics, runs on, or takes memory without bound (`-malloc_limit_mb`).
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/hostile/mod.rs"]
mod hostile;

use std::sync::OnceLock;

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    static TEMPLATE: OnceLock<(hostile::Template, tempfile::TempDir)> = OnceLock::new();
    let (template, dir) = TEMPLATE.get_or_init(|| (hostile::Template::new(), hostile::folder()));
    template.lay(dir.path(), script);
    hostile::everything_answers(dir.path());
});
