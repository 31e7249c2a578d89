//! The day's orders, with the kills in the middle.

use std::time::{Duration, Instant};

use super::{DemoError, DemoOptions};
use crate::driver::Driver;
use crate::flow::Dice;
use crate::progress::Progress;
use crate::world::{Who, World};

const PATIENCE: Duration = Duration::from_secs(20);

/// Sends everything, keeping a window of unanswered requests, and kills the node where it is planned.
pub(super) fn trade(
    options: &DemoOptions,
    driver: &mut Driver,
    world: &mut World,
    progress: &mut Progress,
) -> Result<(), DemoError> {
    driver.wait_quotes(world)?;
    let mut dice = Dice::new(options.seed ^ 0x6b69_6c6c);
    let mut kills = planned_kills(options, &mut dice).into_iter().peekable();
    let pace = Duration::from_secs(1).checked_div(options.rate);
    let mut due = Instant::now();
    while driver.counts.submitted < u64::from(options.orders) && !driver.market_has_ended() {
        due = wait_until_due(driver, pace, due)?;
        if !driver.send_next(world)? {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let submitted = driver.counts.submitted;
        if kills.next_if(|at| u64::from(*at) == submitted).is_some() {
            kill(driver, world, progress, &mut dice)?;
        }
        let others = driver.counts.cancels + driver.counts.replaces;
        let text = format!("{submitted} orders, {others} cancels and replaces, {} kills", world.kills);
        progress.bar(submitted, options.orders.into(), &text);
    }
    driver.drain(world)
}

/// One in each stretch, anywhere in it but its edges.
fn planned_kills(options: &DemoOptions, dice: &mut Dice) -> Vec<u32> {
    let stretch = u64::from(options.orders / (options.kills + 1));
    let mut kills: Vec<u32> = (0..options.kills)
        .map(|kill| {
            let start = stretch * u64::from(kill) + stretch / 2;
            u32::try_from(start + dice.below(stretch)).unwrap_or(u32::MAX)
        })
        .collect();
    kills.sort_unstable();
    kills
}

/// Keeps the pace: what is queued goes out, and the next request waits for its time. Gives the time after it.
fn wait_until_due(driver: &mut Driver, pace: Option<Duration>, due: Instant) -> Result<Instant, DemoError> {
    let Some(pace) = pace else { return Ok(due) };
    driver.flush()?;
    let now = Instant::now();
    std::thread::sleep(due.saturating_duration_since(now));
    // After a kill the lost time is not made up for by a burst.
    Ok(due.max(now) + pace)
}

/// Kills the node while requests are on their way, starts it again, and asks again for what was not answered.
fn kill(
    driver: &mut Driver,
    world: &mut World,
    progress: &mut Progress,
    dice: &mut Dice,
) -> Result<(), DemoError> {
    // A node that is already gone is found out by the reader.
    let _ = driver.flush();
    std::thread::sleep(Duration::from_micros(dice.below(3_000)));
    world.kill(Who::Node)?;
    driver.take_last_answers(world);
    progress.step(&format!(
        "SIGKILL number {}, with {} requests unanswered",
        world.kills,
        driver.unanswered()
    ));
    world.start_again(Who::Node, None)?;
    driver.reconnect(PATIENCE)?;
    driver.wait_ready(world)?;
    driver.ask_again(world)
}
