//! `gannet journal stat|dump|verify`: what the journals hold.

use std::path::PathBuf;

use journal::{Reader, Record, RecordBody, Stat, VerifyReport};
use model::ShardId;
use serde_json::{Value, json};

use super::Failure;
use super::output::Output;
use crate::node::journals::{JournalsError, shard_dir, shards_of};
use crate::table::{Cell, Table};

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
    Verify(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The folder of the journals.
    #[arg(long, value_name = "DIR", default_value = "journal")]
    journal: PathBuf,
    /// Only this shard's.
    #[arg(long)]
    shard: Option<u16>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Dump {
    #[command(flatten)]
    which: Which,
    /// From this record on.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// At most this many.
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<usize>,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Stat(which) => stat(which, out),
        Command::Dump(dump) => self::dump(dump, out),
        Command::Verify(which) => verify(which, out),
    }
}

impl Which {
    fn dirs(&self) -> Result<Vec<PathBuf>, Failure> {
        let shards = shards_of(&self.journal).map_err(Failure::new)?;
        let wanted = |shard: &ShardId| self.shard.is_none_or(|only| only == shard.index);
        let dirs: Vec<PathBuf> = shards
            .iter()
            .filter(|shard| wanted(shard))
            .map(|shard| shard_dir(&self.journal, *shard))
            .collect();
        if dirs.is_empty() { Err(Failure::new(JournalsError::None(self.journal.clone()))) } else { Ok(dirs) }
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
    out.table(&table)
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
        "segments": stat.segments.iter().map(segment).collect::<Vec<_>>(),
    })
}

fn verify(which: &Which, out: &mut Output) -> Result<(), Failure> {
    let reports: Vec<VerifyReport> = which
        .dirs()?
        .iter()
        .map(|dir| journal::verify(dir).map_err(Failure::new))
        .collect::<Result<_, _>>()?;
    if which.json {
        return out.json(&reports.iter().map(verify_json).collect::<Vec<_>>());
    }
    let headings = ["SHARD", "RECORDS", "DIGESTS", "SEGMENTS", "OPENED", "TORN BYTES"];
    let mut table = Table::new("Journals are whole", &headings);
    for report in &reports {
        table.row(vec![
            Cell::count(report.shard.index),
            Cell::count(report.records),
            Cell::count(report.digests),
            Cell::count(report.segments),
            Cell::count(report.incarnation.count),
            Cell::count(report.torn.as_ref().map_or(0, |torn| torn.bytes)),
        ]);
    }
    out.table(&table)
}

fn verify_json(report: &VerifyReport) -> Value {
    let torn = report.torn.as_ref().map(|torn| {
        json!({ "segment": torn.segment, "offset": torn.offset, "bytes": torn.bytes, "records": torn.records })
    });
    json!({
        "shard": report.shard.index,
        "records": report.records,
        "digests": report.digests,
        "last_seq": report.last_seq,
        "segments": report.segments,
        "incarnation": report.incarnation.count,
        "torn": torn,
    })
}

fn dump(dump: &Dump, out: &mut Output) -> Result<(), Failure> {
    let mut left = dump.limit.unwrap_or(usize::MAX);
    for dir in dump.which.dirs()? {
        let mut reader = Reader::from_seq(&dir, dump.from.max(1)).map_err(Failure::new)?;
        while left > 0
            && let Some(record) = reader.next().map_err(Failure::new)?
        {
            left -= 1;
            if dump.which.json {
                out.json_line(&record_json(&record))?;
            } else {
                out.line(&record_line(&record))?;
            }
        }
    }
    Ok(())
}

fn body(record: &Record) -> Value {
    match &record.body {
        RecordBody::Input(input) => json!(input),
        RecordBody::Digest(digest) => json!({ "digest": engine::Digest::from_bytes(*digest).to_string() }),
    }
}

fn record_json(record: &Record) -> Value {
    json!({
        "position": record.position.to_string(),
        "time": record.time.to_string(),
        "incarnation": record.incarnation.count,
        "len_bytes": record.len_bytes,
        "body": body(record),
    })
}

fn record_line(record: &Record) -> String {
    format!("{} {} {}", record.position, record.time, body(record))
}
