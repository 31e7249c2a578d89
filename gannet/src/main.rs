//! The `gannet` program: the command line ([`cli`]) of what the crates beside it do.

mod cli;
mod stop;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
