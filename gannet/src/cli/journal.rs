//! `gannet journal stat|dump|verify|head|snapshot|archive|unarchive|repair`: what the journals hold.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use journal::{Folder, Follower, Head, Reader, Record, Stat, VerifyReport};
use machine::{DIGEST_KIND, Journalled, Recorded};
use model::{Input, RecordBody, ShardId};
use node::journals::shard_dir;
use office::OfficeInput;
use readable::table::{Cell, Table};
use serde_json::{Value, json};

use super::Failure;
use super::named::place;
use super::output::Output;
use super::place::GapChoice;
use super::which::Which;

/// How long a follower waits where there is nothing new.
const FOLLOW_PAUSE: Duration = Duration::from_millis(20);

/// Journals.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Segments, records, sizes.
    Stat(Which),
    /// Every record, one line each.
    Dump(Dump),
    /// Read every record and check its checksum, its place and its content.
    ///
    /// This alone cannot notice a journal that was forged as a whole. With a head that was kept elsewhere it proves
    /// that no record up to there was changed, removed or inserted.
    Verify(Verify),
    /// Print each shard's head: 32 bytes that stand for every record so far. Keep it elsewhere, for `verify --head`.
    Head(Heads),
    /// Write a snapshot of the state at the end.
    Snapshot(super::snapshot::Args),
    /// Move old segments to another folder.
    Archive(super::archive::Archive),
    /// Bring back what was moved to another folder.
    Unarchive(super::archive::Unarchive),
    /// Cut a damaged journal behind its last good record. Copies of what changes are kept beside it.
    Repair(super::repair::Args),
}

#[derive(Debug, clap::Args)]
struct Heads {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    gaps: GapChoice,
}

#[derive(Debug, clap::Args)]
struct Verify {
    #[command(flatten)]
    which: Which,
    /// A head that `journal head` printed earlier; once for each shard.
    #[arg(long = "head", value_name = "SHARD=SEQ:HASH")]
    heads: Vec<ShardHead>,
}

/// A shard and its head.
#[derive(Clone, Copy, Debug)]
struct ShardHead {
    shard: ShardId,
    head: Head,
}

impl FromStr for ShardHead {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let says = "not a head of the form SHARD=SEQ:HASH, as `gannet journal head` prints it";
        let (shard, head) = text.split_once('=').ok_or(says)?;
        let shard = super::which::shard(shard).map_err(|_| says)?;
        Ok(Self { shard, head: head.parse().map_err(|_| says)? })
    }
}

#[derive(Debug, clap::Args)]
struct Dump {
    #[command(flatten)]
    which: Which,
    /// From this record on; without, from the first that is here.
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// At most this many.
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Go on with what a running node records, as soon as it is durable, until interrupted. One shard only.
    #[arg(short = 'f', long, conflicts_with = "up_to_gap")]
    follow: bool,
    #[command(flatten)]
    gaps: GapChoice,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Stat(which) => stat(which, out),
        Command::Dump(dump) => self::dump(dump, out),
        Command::Verify(args) => verify(args, out),
        Command::Head(heads) => head(heads, out),
        Command::Snapshot(args) => super::snapshot::run(args, out),
        Command::Archive(args) => super::archive::run(args, out),
        Command::Unarchive(args) => super::archive::run_back(args, out),
        Command::Repair(args) => super::repair::run(args, out),
    }
}

fn stat(which: &Which, out: &mut Output) -> Result<(), Failure> {
    let stats: Vec<Stat> =
        which.dirs()?.iter().map(|dir| journal::stat(dir).map_err(Failure::new)).collect::<Result<_, _>>()?;
    if which.json {
        return out.json(&stats.iter().map(stat_json).collect::<Vec<_>>());
    }
    let headings = ["SHARD", "SEGMENT", "FIRST RECORD", "RECORDS", "BYTES", "OPENING", "BEGUN"];
    let mut table = Table::new("Journals", &headings);
    for stat in &stats {
        for segment in &stat.segments {
            table.row(vec![
                Cell::count(stat.shard.index),
                Cell::count(segment.index),
                Cell::count(segment.first_seq),
                Cell::count(segment.records),
                Cell::count(segment.len_bytes),
                Cell::count(segment.incarnation.count),
                Cell::text(segment.created),
            ]);
        }
        table.total(vec![
            Cell::count(stat.shard.index),
            Cell::text("all"),
            Cell::Blank,
            Cell::count(stat.last_seq),
            Cell::count(stat.allocated_bytes),
            Cell::count(stat.incarnation.count),
            Cell::Blank,
        ]);
    }
    out.table(&table)?;
    for Stat { shard, archived, .. } in &stats {
        if let Some(journal::Archived { before, moved_to, .. }) = archived {
            out.line(&format!("Shard {shard}: records 1 to {} were moved to {moved_to}", before.seq))?;
        }
    }
    Ok(())
}

fn stat_json(stat: &Stat) -> Value {
    let segment = |segment: &journal::SegmentStat| {
        json!({
            "path": segment.path,
            "index": segment.index,
            "first_seq": segment.first_seq,
            "records": segment.records,
            "len_bytes": segment.len_bytes,
            "incarnation": segment.incarnation.count,
            "created": segment.created.to_string(),
        })
    };
    json!({
        "shard": stat.shard.index,
        "incarnation": stat.incarnation.count,
        "last_seq": stat.last_seq,
        "allocated_bytes": stat.allocated_bytes,
        "archived": stat.archived.as_ref().map(|archived| {
            json!({ "first_seq": archived.first_seq(), "moved_to": archived.moved_to })
        }),
        "segments": stat.segments.iter().map(segment).collect::<Vec<_>>(),
    })
}

/// How many of a journal's records are digests.
fn digests(report: &VerifyReport) -> u64 {
    report.kinds.get(&DIGEST_KIND).copied().unwrap_or(0)
}

fn verify(args: &Verify, out: &mut Output) -> Result<(), Failure> {
    let which = &args.which;
    let report = |dir: &PathBuf| {
        if which.is_office() {
            journal::verify::<Recorded<OfficeInput>>(dir)
        } else {
            journal::verify::<RecordBody>(dir)
        }
    };
    let reports: Vec<VerifyReport> =
        which.dirs()?.iter().map(|dir| report(dir).map_err(Failure::new)).collect::<Result<_, _>>()?;
    for given in &args.heads {
        verify_head(&which.journal, given, &reports)?;
    }
    if which.json {
        let row = |report| verify_json(report, &args.heads);
        return out.json(&reports.iter().map(row).collect::<Vec<_>>());
    }
    let headings = ["SHARD", "RECORDS", "DIGESTS", "SEGMENTS", "OPENED", "TORN BYTES"];
    let mut table = Table::new("Journals are whole", &headings);
    for report in &reports {
        table.row(vec![
            Cell::count(report.shard.index),
            Cell::count(report.records),
            Cell::count(digests(report)),
            Cell::count(report.segments),
            Cell::count(report.incarnation.count),
            Cell::count(report.torn.as_ref().map_or(0, |torn| torn.bytes)),
        ]);
    }
    out.table(&table)?;
    for ShardHead { shard, head } in &args.heads {
        out.line(&format!("Shard {shard}: records 1 to {} are those the head was taken of.", head.seq))?;
    }
    Ok(())
}

fn verify_head(folder: &Path, given: &ShardHead, reports: &[VerifyReport]) -> Result<(), Failure> {
    if !reports.iter().any(|report| report.shard == given.shard) {
        return Err(Failure::Said(format!(
            "a head is given for shard {}, which is not verified",
            given.shard
        )));
    }
    journal::verify_head(shard_dir(folder, given.shard), &given.head).map_err(Failure::new)
}

fn head(args: &Heads, out: &mut Output) -> Result<(), Failure> {
    let head = |dir: &Folder| Ok((Reader::open(dir)?.shard(), journal::head(dir)?));
    let folders = args.which.folders(&args.gaps, out)?;
    let heads = folders.iter().map(head).collect::<Result<Vec<_>, journal::JournalError>>();
    let heads = heads.map_err(Failure::new)?;
    if args.which.json {
        let row = |(shard, head): &(ShardId, Head)| {
            let text = head.to_string();
            let hash = text.split_once(':').map_or("", |(_, hash)| hash);
            json!({ "shard": shard.index, "seq": head.seq, "hash": hash, "head": format!("{shard}={head}") })
        };
        return out.json(&heads.iter().map(row).collect::<Vec<_>>());
    }
    heads.iter().try_for_each(|(shard, head)| out.line(&format!("{shard}={head}")))
}

fn verify_json(report: &VerifyReport, heads: &[ShardHead]) -> Value {
    let torn = report.torn.as_ref().map(|torn| {
        json!({ "segment": torn.segment, "offset": torn.offset, "bytes": torn.bytes, "records": torn.records })
    });
    json!({
        "shard": report.shard.index,
        "records": report.records,
        "digests": digests(report),
        "last_seq": report.last_seq,
        "segments": report.segments,
        "incarnation": report.incarnation.count,
        "torn": torn,
        "proven": heads.iter().find(|given| given.shard == report.shard).map(|given| given.head.to_string()),
    })
}

fn dump(dump: &Dump, out: &mut Output) -> Result<(), Failure> {
    if dump.which.is_office() {
        return dump_as::<OfficeInput>(dump, out, |input| json!(format!("{input:?}")));
    }
    dump_as::<Input>(dump, out, |input| json!(input))
}

/// The journal of a machine with these inputs, each shown by `said`.
fn dump_as<I: Journalled>(dump: &Dump, out: &mut Output, said: impl Fn(&I) -> Value) -> Result<(), Failure> {
    let mut left = dump.limit.unwrap_or(usize::MAX);
    if dump.follow {
        return follow(dump, &dump.which.dirs()?, left, out, said);
    }
    for dir in dump.which.folders(&dump.gaps, out)? {
        let reader = dump.from.map_or_else(|| Reader::open(&dir), |seq| Reader::from_seq(&dir, seq.max(1)));
        let mut reader = reader.map_err(Failure::new)?;
        while left > 0
            && let Some(record) = reader.next().map_err(Failure::new)?
        {
            left -= 1;
            show(&record, dump.which.json, out, &said)?;
        }
    }
    out.end(dump.which.json)
}

/// The writer never notices: a slow terminal is behind, and nothing waits for it.
fn follow<I: Journalled>(
    dump: &Dump,
    dirs: &[PathBuf],
    mut left: usize,
    out: &mut Output,
    said: impl Fn(&I) -> Value,
) -> Result<(), Failure> {
    let [dir] = dirs else {
        return Err(Failure::new(format!(
            "there are {} shards: say which to follow, with --shard",
            dirs.len()
        )));
    };
    let first = journal::archived(dir).map_err(Failure::new)?.map_or(1, |archived| archived.first_seq());
    let mut follower = Follower::open(dir, dump.from.unwrap_or(first).max(1)).map_err(Failure::new)?;
    while left > 0 {
        if let Some(record) = follower.poll().map_err(Failure::new)? {
            left -= 1;
            show(&record, dump.which.json, out, &said)?;
        } else {
            std::thread::sleep(FOLLOW_PAUSE);
        }
    }
    Ok(())
}

fn show<I: Journalled>(
    record: &Record<Recorded<I>>,
    json: bool,
    out: &mut Output,
    said: impl Fn(&I) -> Value,
) -> Result<(), Failure> {
    let body = match &record.body {
        Recorded::Input(input) => said(input),
        Recorded::Digest(digest) => json!({ "digest": engine::Digest::from_bytes(*digest).to_string() }),
    };
    if !json {
        return out.line(&format!("{} {} {body}", place(record.position), record.time));
    }
    out.json_line(&json!({
        "position": record.position.to_string(),
        "time": record.time.to_string(),
        "incarnation": record.incarnation.count,
        "kind": I::kind_name(record.kind),
        "len_bytes": record.len_bytes,
        "body": body,
    }))
}
