//! The `gannet` program. See [`gannet::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    gannet::cli::main()
}
