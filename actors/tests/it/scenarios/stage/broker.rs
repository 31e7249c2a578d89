//! The other side: what a broker and the session with it do.

use model::{Delivery, ExecType, Input, Price, QuarantineCause, QuarantinedMessage, SessionState};

use super::{Stage, read};
use crate::scenarios::{Fault, unreadable};
use crate::world::SESSION;

impl Stage {
    /// What the broker does.
    pub(super) fn broker(&mut self, words: &[&str]) -> Result<(), Fault> {
        match words {
            ["fills", quantity, "of", name, "at", price] => {
                let order = self.order(name)?;
                read::<Price>(price)?;
                self.world.fill(order, read(quantity)?, price);
            }
            ["busts", name] => {
                let order = self.order(name)?;
                self.world.input(Input::Quarantined(QuarantinedMessage {
                    session: SESSION,
                    msg_seq_num: 900,
                    cause: QuarantineCause::TradeCancel,
                    cl_ord_id: Some(order),
                    len_bytes: 0,
                    raw: Vec::new(),
                }));
            }
            ["refuses", "request", "about", name] => {
                let (order, request) = (self.order(name)?, self.request(name)?);
                self.world.refuse(order, request);
            }
            [verb, name] => {
                let (exec_type, about) = match *verb {
                    "accepts" => (ExecType::New, self.order(name)?),
                    "rejects" => (ExecType::Rejected, self.order(name)?),
                    "expires" => (ExecType::Expired, self.order(name)?),
                    "cancels" => (ExecType::Canceled, self.request(name).or_else(|_| self.order(name))?),
                    "replaces" => (ExecType::Replaced, self.request(name)?),
                    _ => return unreadable(format!("a broker does not do that: {verb}")),
                };
                self.world.report(about, exec_type);
            }
            _ => return unreadable("not a thing that a broker does"),
        }
        Ok(())
    }

    /// The session changes.
    pub(super) fn session(&mut self, state: &str) -> Result<(), Fault> {
        self.world.session(match state {
            "down" => SessionState::Down,
            "up" => SessionState::Up,
            "ready" => SessionState::Ready,
            _ => return unreadable(format!("no state of a session: {state}")),
        });
        Ok(())
    }

    /// Evidence about the last request about an order, or about the order.
    pub(super) fn evidence(&mut self, name: &str, delivery: &str) -> Result<(), Fault> {
        let about = self.request(name).or_else(|_| self.order(name))?;
        self.world.evidence(
            about,
            match delivery {
                "never_sent" => Delivery::NeverSent,
                "unknown_to_broker" => Delivery::UnknownToBroker,
                "unanswered" => Delivery::Unanswered,
                "overdue" => Delivery::Overdue,
                "long_overdue" => Delivery::LongOverdue,
                _ => return unreadable(format!("no evidence: {delivery}")),
            },
        );
        Ok(())
    }
}
