//! QuickFIX on both sides of a loopback connection: this crate's session and a broker of the test's.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;

use fix_gateway::{Health, RunningSession, Session, SessionSettings};
use model::{Name, SessionState};

use support::broker::{BrokerApp, free_port, with_broker};
use support::eventually;
use support::shard::{FakeShard, SESSION, id, new_order};

fn settings(firm: &str, broker: &str, port: u16, store: &Path) -> SessionSettings {
    let name = Name::new(firm).unwrap();
    SessionSettings::new(SESSION, name, firm, broker, ("127.0.0.1", port), store)
}

fn start(settings: &SessionSettings, shard: &Arc<FakeShard>) -> RunningSession {
    Session::start(settings.clone(), Arc::<FakeShard>::clone(shard)).unwrap()
}

#[test]
fn an_order_goes_out_and_its_fill_comes_back() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let broker = BrokerApp::new("B-FILL", "F-FILL");
    let port = free_port();
    let shard = FakeShard::new();
    with_broker(&broker, port, theirs.path(), || {
        let session = start(&settings("F-FILL", "B-FILL", port, ours.path()), &shard);
        assert_eq!(shard.wait_ready(1), 0);
        shard.send(new_order(id(7), 100));
        let fill = eventually("the fill", || shard.trades().pop());
        assert_eq!(
            (fill.cl_ord_id, fill.last_quantity, fill.last_price),
            (Some(id(7)), 100u32.into(), 33u32.into())
        );
        assert_eq!(session.health(), Health::Ready);
        session.stop().unwrap();
    });
    assert_eq!(broker.count("D", "G1-0-7"), 1);
    assert_eq!(shard.states().last().unwrap().0, SessionState::Down);
}
