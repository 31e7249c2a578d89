//! From FIX to the model: the one place where incoming tags become words.
//!
//! An execution whose economics can be read is never lost because another tag is odd: optional fields default,
//! and only what cannot be booked is kept raw as [`Input::Quarantined`].

use model::{
    Amount, CancelReject, Date, Decimal, ExecId, ExecType, ExecutionReport, Input, MessageReject, OrdStatus,
    Price, Quantity, QuarantineCause, QuarantinedMessage, Reference, RejectLevel, SessionId, Side, Symbol,
    Text, WireId,
};

use crate::engine::SentMessage;
use crate::fields::Fields;
use crate::number::parse_decimal;
use crate::tags;

/// An incoming message, translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// Post it.
    Input(Input),
    /// An execution report, which may answer a status request of ours.
    Report {
        /// The report.
        report: ExecutionReport,
        /// FIX tag 790, where it is an id of ours.
        status_request: Option<WireId>,
    },
    /// A status request of ours was refused: the reject, and whom we asked about.
    StatusRequestRefused {
        /// What to post: it names no request as refused, for the order itself was not.
        reject: MessageReject,
        /// The `ClOrdID` we asked about, where it could be found.
        about: Option<WireId>,
    },
}

/// `OrdRejReason` (tag 103) "Unknown order": the answer to a status request about an order the broker never saw.
pub(crate) const UNKNOWN_ORDER: u16 = 5;

/// FIX tag 35 of our `OrderStatusRequest`.
const STATUS_REQUEST: u8 = b'H';

/// The fields this crate reads, picked out in one pass.
#[derive(Default)]
struct Picked<'a> {
    values: [Option<&'a str>; WANTED.len()],
}

/// What is picked; the position in this list is the slot.
const WANTED: [u32; 29] = [
    tags::CL_ORD_ID,
    tags::COMMISSION,
    tags::COMM_TYPE,
    tags::CUM_QTY,
    tags::EXEC_ID,
    tags::EXEC_TRANS_TYPE,
    tags::LAST_PX,
    tags::LAST_QTY,
    tags::MSG_SEQ_NUM,
    tags::MSG_TYPE,
    tags::ORDER_ID,
    tags::ORD_STATUS,
    tags::ORIG_CL_ORD_ID,
    tags::POSS_DUP_FLAG,
    tags::REF_SEQ_NUM,
    tags::SIDE,
    tags::SYMBOL,
    tags::TEXT,
    tags::SETTL_DATE,
    tags::TRADE_DATE,
    tags::CXL_REJ_REASON,
    tags::ORD_REJ_REASON,
    tags::EXEC_TYPE,
    tags::LEAVES_QTY,
    tags::REF_MSG_TYPE,
    tags::SESSION_REJECT_REASON,
    tags::BUSINESS_REJECT_REF_ID,
    tags::BUSINESS_REJECT_REASON,
    tags::ORD_STATUS_REQ_ID,
];

impl<'a> Picked<'a> {
    fn of(raw: &'a [u8]) -> Self {
        let mut picked = Self::default();
        for (tag, value) in Fields::of(raw) {
            let Some(slot) = slot_of(tag) else { continue };
            let Some(place) = picked.values.get_mut(slot) else { continue };
            // The first of a repeated tag: repeating groups come behind the fields of the message itself.
            if place.is_none() {
                *place = std::str::from_utf8(value).ok().filter(|text| !text.is_empty());
            }
        }
        picked
    }

    fn text(&self, tag: u32) -> Option<&'a str> {
        self.values.get(slot_of(tag)?).copied().flatten()
    }

    fn id(&self, tag: u32) -> Option<WireId> {
        self.text(tag)?.parse().ok()
    }

    fn code(&self, tag: u32) -> Option<char> {
        let mut chars = self.text(tag)?.chars();
        let code = chars.next()?;
        chars.next().is_none().then_some(code)
    }

    fn whole<T: std::str::FromStr>(&self, tag: u32) -> Option<T> {
        self.text(tag)?.parse().ok()
    }

    /// `Ok(None)` where absent, `Err` where unreadable.
    fn decimal(&self, tag: u32) -> Result<Option<Decimal>, QuarantineCause> {
        self.text(tag).map(|text| parse_decimal(text).ok_or(QuarantineCause::BadField)).transpose()
    }

    fn date(&self, tag: u32) -> Option<Date> {
        Date::from_fix(self.text(tag)?)
    }

    /// The text where it fits whole, empty otherwise: half an identifier is another identifier.
    fn whole_text<const N: usize>(&self, tag: u32) -> Text<N> {
        self.text(tag).and_then(|text| Text::new(text).ok()).unwrap_or(Text::EMPTY)
    }

    fn cut_text<const N: usize>(&self, tag: u32) -> Text<N> {
        Text::cut(self.text(tag).unwrap_or(""))
    }
}

const fn slot_of(tag: u32) -> Option<usize> {
    let mut slot = 0;
    while slot < WANTED.len() {
        #[expect(clippy::indexing_slicing, reason = "slot is below the length by the loop's condition")]
        if WANTED[slot] == tag {
            return Some(slot);
        }
        slot += 1;
    }
    None
}

/// Translates one message. `sent` finds what we sent with a number, for rejects that name only the number.
pub(crate) fn translate(
    session: SessionId,
    raw: &[u8],
    sent: impl Fn(u64) -> Option<SentMessage>,
) -> Inbound {
    let picked = Picked::of(raw);
    let translated = match picked.text(tags::MSG_TYPE) {
        Some("8") => execution_report(session, &picked),
        Some("9") => cancel_reject(session, &picked),
        Some("j") => Ok(message_reject(session, &picked, RejectLevel::Business, sent)),
        Some("3") => Ok(message_reject(session, &picked, RejectLevel::Session, sent)),
        _ => Err(QuarantineCause::UnknownMessageType),
    };
    translated.unwrap_or_else(|cause| Inbound::Input(quarantined(session, raw, &picked, cause)))
}

/// FIX tag 34 of a raw message; 0 where it cannot be read.
fn msg_seq_num(picked: &Picked<'_>) -> u64 {
    picked.whole(tags::MSG_SEQ_NUM).unwrap_or(0)
}

fn poss_dup(picked: &Picked<'_>) -> bool {
    picked.text(tags::POSS_DUP_FLAG) == Some("Y")
}

fn quarantined(session: SessionId, raw: &[u8], picked: &Picked<'_>, cause: QuarantineCause) -> Input {
    let kept = raw.get(..QuarantinedMessage::KEPT_BYTES).unwrap_or(raw);
    Input::Quarantined(QuarantinedMessage {
        session,
        msg_seq_num: msg_seq_num(picked),
        cause,
        cl_ord_id: picked.id(tags::CL_ORD_ID),
        len_bytes: u32::try_from(raw.len()).unwrap_or(u32::MAX),
        raw: kept.to_vec(),
    })
}

fn execution_report(session: SessionId, picked: &Picked<'_>) -> Result<Inbound, QuarantineCause> {
    let exec_type = exec_type(picked)?;
    let trade = exec_type == ExecType::Trade;
    let (last_quantity, last_price) = economics(picked, trade)?;
    let leaves_quantity = reported(picked, tags::LEAVES_QTY, trade)?.map_or(Quantity::ZERO, Quantity::new);
    let report = ExecutionReport {
        session,
        msg_seq_num: msg_seq_num(picked),
        poss_dup: poss_dup(picked),
        cl_ord_id: picked.id(tags::CL_ORD_ID),
        orig_cl_ord_id: picked.id(tags::ORIG_CL_ORD_ID),
        broker_order_id: picked.whole_text(tags::ORDER_ID),
        exec_id: exec_id(picked, trade)?,
        exec_type,
        ord_status: ord_status(picked, trade, leaves_quantity)?,
        symbol: Symbol::cut(picked.text(tags::SYMBOL).unwrap_or("")),
        side: side(picked)?,
        last_quantity,
        last_price,
        cum_quantity: reported(picked, tags::CUM_QTY, trade)?.map_or(Quantity::ZERO, Quantity::new),
        leaves_quantity,
        commission: commission(picked),
        trade_date: picked.date(tags::TRADE_DATE),
        settlement_date: picked.date(tags::SETTL_DATE),
        reject_code: picked.whole(tags::ORD_REJ_REASON).unwrap_or(0),
        text: picked.cut_text(tags::TEXT),
    };
    Ok(Inbound::Report { report, status_request: picked.id(tags::ORD_STATUS_REQ_ID) })
}

fn exec_type(picked: &Picked<'_>) -> Result<ExecType, QuarantineCause> {
    picked.text(tags::EXEC_TYPE).ok_or(QuarantineCause::BadField)?;
    let code = picked.code(tags::EXEC_TYPE).ok_or(QuarantineCause::UnknownCode)?;
    // Brokers that came from FIX 4.2 still say "partial fill" and "fill"; with an ExecTransType other than "new"
    // that is a cancel or correction (FIX 4.2, tags 150 and 20).
    match (code, picked.text(tags::EXEC_TRANS_TYPE).unwrap_or("0")) {
        ('1' | '2', "0") => return Ok(ExecType::Trade),
        ('1' | '2', "1") => return Err(QuarantineCause::TradeCancel),
        ('1' | '2', "2") => return Err(QuarantineCause::TradeCorrect),
        _ => {}
    }
    match ExecType::from_fix_code(code) {
        Some(ExecType::TradeCorrect) => Err(QuarantineCause::TradeCorrect),
        Some(ExecType::TradeCancel) => Err(QuarantineCause::TradeCancel),
        Some(known) => Ok(known),
        None => Err(QuarantineCause::UnknownCode),
    }
}

/// What was executed. Without it an execution cannot be booked; elsewhere it means nothing.
fn economics(picked: &Picked<'_>, trade: bool) -> Result<(Quantity, Price), QuarantineCause> {
    if !trade {
        return Ok((Quantity::ZERO, Price::ZERO));
    }
    let quantity = picked.decimal(tags::LAST_QTY)?.map(Quantity::new).ok_or(QuarantineCause::BadField)?;
    let price = picked.decimal(tags::LAST_PX)?.map(Price::new).ok_or(QuarantineCause::BadField)?;
    if quantity.is_positive() { Ok((quantity, price)) } else { Err(QuarantineCause::BadField) }
}

/// A quantity the broker cumulates: for an execution it is only a cross-check, so what is odd counts as absent.
fn reported(picked: &Picked<'_>, tag: u32, trade: bool) -> Result<Option<Decimal>, QuarantineCause> {
    let value = picked.decimal(tag);
    if trade { Ok(value.unwrap_or(None)) } else { value }
}

/// An execution's identity must be whole: two that were cut alike would be taken for one.
fn exec_id(picked: &Picked<'_>, trade: bool) -> Result<ExecId, QuarantineCause> {
    match picked.text(tags::EXEC_ID).map(ExecId::new) {
        None => Ok(ExecId::EMPTY),
        Some(Ok(id)) => Ok(id),
        Some(Err(_)) if trade => Err(QuarantineCause::BadField),
        Some(Err(_)) => Ok(picked.cut_text(tags::EXEC_ID)),
    }
}

fn ord_status(picked: &Picked<'_>, trade: bool, leaves: Quantity) -> Result<OrdStatus, QuarantineCause> {
    let known = known_status(picked);
    match known {
        Err(_) if trade && leaves.is_positive() => Ok(OrdStatus::PartiallyFilled),
        Err(_) if trade && picked.text(tags::LEAVES_QTY).is_some() => Ok(OrdStatus::Filled),
        // Without leaves nothing says that the order is finished.
        Err(_) if trade => Ok(OrdStatus::PartiallyFilled),
        other => other,
    }
}

fn known_status(picked: &Picked<'_>) -> Result<OrdStatus, QuarantineCause> {
    picked.text(tags::ORD_STATUS).ok_or(QuarantineCause::BadField)?;
    picked
        .code(tags::ORD_STATUS)
        .and_then(OrdStatus::from_fix_code)
        // "Denied" is our own word; no broker may say it.
        .filter(|status| *status != OrdStatus::Denied)
        .ok_or(QuarantineCause::UnknownCode)
}

fn side(picked: &Picked<'_>) -> Result<Side, QuarantineCause> {
    picked.text(tags::SIDE).ok_or(QuarantineCause::BadField)?;
    match picked.code(tags::SIDE) {
        // Sell short and sell short exempt: some brokers report the side they booked, not the one we sent.
        Some('5' | '6') => Ok(Side::Sell),
        Some(code) => Side::from_fix_code(code).ok_or(QuarantineCause::UnknownCode),
        None => Err(QuarantineCause::UnknownCode),
    }
}

/// The commission where it is an amount (`CommType` 3, also where none is said); rates are left to our schedule.
fn commission(picked: &Picked<'_>) -> Option<Amount> {
    match picked.text(tags::COMM_TYPE) {
        None | Some("3") => picked.decimal(tags::COMMISSION).ok().flatten().map(Amount::new),
        Some(_) => None,
    }
}

fn cancel_reject(session: SessionId, picked: &Picked<'_>) -> Result<Inbound, QuarantineCause> {
    // Both are required by FIX; one of ours is enough to find the order.
    let (cl_ord_id, orig_cl_ord_id) = (picked.id(tags::CL_ORD_ID), picked.id(tags::ORIG_CL_ORD_ID));
    if picked.text(tags::CL_ORD_ID).is_none() && orig_cl_ord_id.is_none() {
        return Err(QuarantineCause::BadField);
    }
    Ok(Inbound::Input(Input::CancelReject(CancelReject {
        session,
        msg_seq_num: msg_seq_num(picked),
        poss_dup: poss_dup(picked),
        cl_ord_id,
        orig_cl_ord_id,
        ord_status: known_status(picked)?,
        reject_code: picked.whole(tags::CXL_REJ_REASON).unwrap_or(0),
        text: picked.cut_text(tags::TEXT),
    })))
}

fn message_reject(
    session: SessionId,
    picked: &Picked<'_>,
    level: RejectLevel,
    sent: impl Fn(u64) -> Option<SentMessage>,
) -> Inbound {
    let by_number = picked.whole(tags::REF_SEQ_NUM).and_then(sent);
    let named = match level {
        RejectLevel::Business => picked.id(tags::BUSINESS_REJECT_REF_ID),
        RejectLevel::Session => None,
    };
    let request = named.or_else(|| by_number.and_then(|message| message.cl_ord_id));
    let of_status_request = match picked.text(tags::REF_MSG_TYPE) {
        Some(msg_type) => msg_type.as_bytes() == [STATUS_REQUEST],
        None => by_number.is_some_and(|message| message.msg_type == STATUS_REQUEST),
    };
    let code = match level {
        RejectLevel::Business => tags::BUSINESS_REJECT_REASON,
        RejectLevel::Session => tags::SESSION_REJECT_REASON,
    };
    let reject = MessageReject {
        session,
        msg_seq_num: msg_seq_num(picked),
        poss_dup: poss_dup(picked),
        level,
        refused: if of_status_request { None } else { request },
        reject_code: picked.whole(code).unwrap_or(0),
        text: Reference::cut(picked.text(tags::TEXT).unwrap_or("")),
    };
    if of_status_request {
        Inbound::StatusRequestRefused { reject, about: request }
    } else {
        Inbound::Input(Input::MessageReject(reject))
    }
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
