//! Where a command reads from or sends to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use front::definitions::Definitions;
use front::directory::Directory;
use journal::Folder;
use model::{Name, Position, ShardId};
use node::journals::Journals;
use wire::client::Client;
use wire::{Answer, Filter, OrderFilter, PageOf, Request};

use super::output::Output;
use super::place::GapChoice;
use super::{Failure, answers};

/// A running node.
#[derive(Debug, clap::Args)]
pub(super) struct Socket {
    /// The running node's socket.
    #[arg(long, value_name = "PATH", default_value = "gannet.sock")]
    pub(super) socket: PathBuf,
}

/// A running node, or journals on disk.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// The running node's socket.
    #[arg(long, value_name = "PATH", default_value = "gannet.sock", conflicts_with = "journal")]
    socket: PathBuf,
    /// Read the journals in this folder instead; a node may be running or not.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    gaps: GapChoice,
}

impl Socket {
    pub(super) fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.socket).map_err(Failure::new)
    }

    pub(super) fn call(&self, request: &Request) -> Result<Answer, Failure> {
        self.client()?.call(request).map_err(Failure::new)
    }
}

impl Source {
    /// Asks one question.
    pub(super) fn ask(&self, request: &Request, out: &mut Output) -> Result<Answer, Failure> {
        self.open(out)?.ask(request)
    }

    /// Opens it for several questions, one after the other.
    pub(super) fn open(&self, out: &mut Output) -> Result<Opened, Failure> {
        match &self.journal {
            Some(folder) => {
                let folder = self.gaps.folder(folder, |_| true, out)?;
                OpenedJournals::open(folder).map(|journals| Opened::Journals(Box::new(journals)))
            }
            None if self.gaps.is_asked() => {
                Err(Failure::Said("--up-to-gap is about journals on disk: say which by --journal".to_owned()))
            }
            None => Client::connect(&self.socket)
                .map(|client| Opened::Node(Box::new(client)))
                .map_err(Failure::new),
        }
    }
}

impl Source {
    /// Every row of a listing by account, page by page.
    pub(super) fn rows<R>(
        &self,
        account: Option<Name>,
        request: fn(Filter) -> Request,
        page: fn(Answer) -> Result<PageOf<R>, Answer>,
        out: &mut Output,
    ) -> Result<Vec<R>, Failure> {
        let (mut opened, mut instants) = (self.open(out)?, Instants::default());
        let mut filter = Filter { account, limit: Some(OrderFilter::MOST), ..Filter::default() };
        let mut rows = Vec::new();
        loop {
            let page = page(opened.ask(&request(filter))?).map_err(|other| answers::failure(&other))?;
            rows.extend(page.rows);
            instants.add(&page.at);
            filter.after = page.next;
            if filter.after.is_none() {
                instants.tell();
                return Ok(rows);
            }
        }
    }
}

/// The positions at which the pages of a listing were made.
#[derive(Default)]
pub(super) struct Instants {
    of_shards: BTreeMap<ShardId, (Position, Position)>,
}

impl Instants {
    pub(super) fn add(&mut self, at: &[Position]) {
        for position in at {
            let (_, last) = self.of_shards.entry(position.shard).or_insert((*position, *position));
            *last = *position;
        }
    }

    /// Says so where the state moved on between two pages. Not on stdout, which a program may read.
    pub(super) fn tell(&self) {
        for (first, last) in self.of_shards.values().filter(|(first, last)| first != last) {
            eprintln!(
                "gannet: listed while records {first} to {last} came in: not one instant; `gannet state --at` is"
            );
        }
    }
}

/// See [`Source::open`].
pub(super) enum Opened {
    Node(Box<Client>),
    Journals(Box<OpenedJournals>),
}

pub(super) struct OpenedJournals {
    journals: Journals,
    directory: Directory,
}

impl OpenedJournals {
    fn open(folder: Folder) -> Result<Self, Failure> {
        let journals = Journals::read(folder).map_err(Failure::new)?;
        let cores = journals.shards.iter().map(|(shard, recovered)| (*shard, &recovered.core));
        let definitions = Definitions::of(cores, &[]);
        let shards = journals.shards.iter().map(|(shard, _)| *shard);
        let directory = Directory::new(shards, &definitions);
        Ok(Self { journals, directory })
    }
}

impl Opened {
    pub(super) fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        match self {
            Self::Node(client) => client.call(request).map_err(Failure::new),
            Self::Journals(opened) => Ok(opened.journals.books(&opened.directory).answer(request)),
        }
    }
}
