//! A child process trades and is killed with SIGKILL; the journal it leaves holds everything it acknowledged.
//!
//! `cargo run -p engine --example crash_and_replay`

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use actors::Core;
use engine::{Client, Shard, ShardConfig, SystemClock, replay, state_hash};
use model::{
    AccountDefinition, AccountId, BrokerId, CashMove, CashMoveKind, Command, Currency, Event, FeeSchedule,
    Money, PortfolioDefinition, PortfolioId, SessionDefinition, SessionId, ShardId,
};

const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        Some(dir) => trade(Path::new(&dir)),
        None => kill_and_replay(),
    }
}

/// The child: deposits without end and prints each reference once its deposit is acknowledged.
fn trade(dir: &Path) -> Result<(), Box<dyn Error>> {
    let shard =
        Shard::<Core>::start(&ShardConfig::new(journal::Options::new(dir, ShardId::new(0))), SystemClock)?;
    let mut client = shard.client(0, 64)?;
    let (session, portfolio) = (SessionId::new(0), PortfolioId::new(0));
    let name = "EXAMPLE".parse()?;
    let account =
        AccountDefinition { id: AccountId::new(0), name, portfolio, session, fees: FeeSchedule::FREE };
    for definition in [
        Command::DefineSession(SessionDefinition { id: session, name, broker: BrokerId::new(0) }),
        Command::DefinePortfolio(PortfolioDefinition { id: portfolio, name }),
        Command::DefineAccount(account),
    ] {
        client.call(definition, PATIENCE)?;
    }
    for number in 0u64.. {
        deposit(&mut client, number)?;
        println!("{number}");
    }
    Ok(())
}

fn deposit(client: &mut Client<Core>, number: u64) -> Result<(), Box<dyn Error>> {
    let answer = client.call(
        Command::MoveCash(CashMove {
            account: AccountId::new(0),
            kind: CashMoveKind::Deposit,
            money: Money { amount: "0.01".parse()?, currency: Currency::new("USD")? },
            reference: number.to_string().parse()?,
        }),
        PATIENCE,
    )?;
    if matches!(answer.event, Event::CashMoved { .. }) { Ok(()) } else { Err(format!("{answer:?}").into()) }
}

/// The parent: kills the child after a thousand acknowledgements, and counts what the journal holds.
fn kill_and_replay() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let journal = dir.path().join("journal");
    let mut child = Process::new(std::env::current_exe()?).arg(&journal).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut acknowledged = said.by_ref().take(1000).count();
    child.kill()?;
    child.wait()?;
    acknowledged += said.count(); // what it had said before the kill reached it

    let recovered = replay::<Core>(&journal)?;
    let usd = actors::Asset::Cash(Currency::new("USD")?);
    let account = recovered.core.account(AccountId::new(0)).ok_or("the account is lost")?;
    let settled = account.ledger().book(usd).ok_or("the cash is lost")?.settled();
    println!("acknowledged {acknowledged} deposits of 0.01, the journal holds {settled} USD");
    println!("records {}, digest {}", recovered.records, recovered.digest);
    assert!(settled >= format!("{}.{:02}", acknowledged / 100, acknowledged % 100).parse()?);
    assert_eq!(state_hash(&recovered.core), state_hash(&replay::<Core>(&journal)?.core));
    Ok(())
}
