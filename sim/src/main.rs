//! `cargo xtask sim`: many histories of the simulated world, or one of them again.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use sim::{Setting, Verdict, run};

use report::SimReport;

/// Runs the real core in a simulated world: clock, disk, broker and operators obey a seed, and so does everything that
/// goes wrong. One seed is one history.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask sim")]
struct Arguments {
    /// Play this one history, and write down what happened in it.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// How many histories to play.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Where the story of a single history goes; to the screen where nothing is said.
    #[arg(long, requires = "seed")]
    story: Option<PathBuf>,
    /// Write what came of it as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A check that fails may panic: it is told with its seed, at the end.
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = match arguments.seed {
        Some(seed) => one(seed, &arguments),
        None => many(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("sim: {message}");
            ExitCode::FAILURE
        }
    }
}

/// One history with its story; true where nothing was wrong.
fn one(seed: u64, arguments: &Arguments) -> Result<bool, String> {
    let started = Instant::now();
    let verdict = run(Setting { seed, plant: None, told: true });
    match &arguments.story {
        None => print!("{}", verdict.story),
        Some(path) => {
            std::fs::write(path, &verdict.story).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    finish(&[verdict], started, arguments)
}

/// Many histories, over all cores.
fn many(arguments: &Arguments) -> Result<bool, String> {
    let started = Instant::now();
    let (next, done) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds {
                        return;
                    }
                    let seed = arguments.from.wrapping_add(number);
                    let verdict = run(Setting { seed, plant: None, told: false });
                    keep(&done, verdict, arguments.seeds, started);
                }
            });
        }
    });
    let mut verdicts = done.into_inner().map_err(|_| "a history ended without a verdict")?;
    verdicts.sort_by_key(|verdict| verdict.seed);
    finish(&verdicts, started, arguments)
}

/// Keeps a verdict, and says now and then how far it is.
fn keep(done: &Mutex<Vec<Verdict>>, verdict: Verdict, of: u64, started: Instant) {
    let Ok(mut done) = done.lock() else { return };
    if let Some(failure) = &verdict.failure {
        eprintln!("seed {}: {failure}", verdict.seed);
    }
    done.push(verdict);
    let count = done.len() as u64;
    if count.is_multiple_of((of / 10).max(1)) {
        eprintln!("{count:>8} of {of} histories, {:.0} s", started.elapsed().as_secs_f64());
    }
}

fn finish(verdicts: &[Verdict], started: Instant, arguments: &Arguments) -> Result<bool, String> {
    let report = SimReport::of(verdicts, started.elapsed());
    print!("{report}");
    if let Some(first) = verdicts.iter().find(|verdict| verdict.failure.is_some()) {
        if arguments.seed.is_none() {
            let again = run(Setting { seed: first.seed, plant: None, told: true });
            print!("{}", report::last_events(&again));
        }
        println!("\nAgain, with the whole story: cargo xtask sim --seed {}", first.seed);
    }
    if let Some(path) = &arguments.json {
        let json = report.to_json().map_err(|error| error.to_string())?;
        std::fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(report.failures.is_empty())
}
