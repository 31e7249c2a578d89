//! FIX 4.4 messages to our words and back: the only file that knows tags.

use quickfix::{FieldMap, Message, QuickFixError};
use rust_decimal::Decimal;

use crate::clock::fix_time;
use crate::log::{Entry, Misunderstood};
use crate::words::{
    CancelReject, ChangeRequest, NewOrder, OrdType, Received, Report, Request, Side, StatusRequest, Terms,
    Tif,
};

/// Why a message cannot be understood: FIX tag 380 and the words for it.
type Problem = (u16, String);

/// Reads what an initiator sent on `session`.
pub(crate) fn decode(message: &Message, session: &str) -> Result<Request, Misunderstood> {
    let fields = Fields { message };
    let received = Received {
        session: session.to_owned(),
        msg_seq_num: fields.header(34).parse().unwrap_or(0),
        poss_dup: fields.header(43) == "Y",
        poss_resend: fields.header(97) == "Y",
    };
    let msg_type = fields.header(35);
    let request = match msg_type.as_str() {
        "D" => new_order(&fields, received.clone()).map(Request::New),
        "F" => change(&fields, received.clone(), false).map(Request::Change),
        "G" => change(&fields, received.clone(), true).map(Request::Change),
        "H" => status(&fields, received.clone()).map(Request::Status),
        _ => Err((3, format!("MsgType {msg_type} is not supported"))),
    };
    request.map_err(|(reason, text)| Misunderstood {
        session: received.session,
        msg_seq_num: received.msg_seq_num,
        msg_type,
        cl_ord_id: fields.text(11),
        reason,
        text,
    })
}

fn new_order(fields: &Fields<'_>, received: Received) -> Result<NewOrder, Problem> {
    Ok(NewOrder {
        received,
        cl_ord_id: fields.required(11)?,
        account: fields.text(1),
        symbol: fields.required(55)?,
        side: fields.code(54, Side::from_code)?,
        ord_type: fields.code(40, OrdType::from_code)?,
        // FIX: absent means Day.
        tif: if fields.text(59).is_empty() { Tif::Day } else { fields.code(59, Tif::from_code)? },
        qty: fields.number(38)?,
        price: fields.optional_number(44)?,
    })
}

fn change(fields: &Fields<'_>, received: Received, replace: bool) -> Result<ChangeRequest, Problem> {
    let terms = || -> Result<Terms, Problem> {
        Ok(Terms {
            ord_type: fields.code(40, OrdType::from_code)?,
            qty: fields.number(38)?,
            price: fields.optional_number(44)?,
        })
    };
    Ok(ChangeRequest {
        received,
        cl_ord_id: fields.required(11)?,
        orig_cl_ord_id: fields.required(41)?,
        account: fields.text(1),
        symbol: fields.required(55)?,
        side: fields.code(54, Side::from_code)?,
        terms: if replace { Some(terms()?) } else { None },
    })
}

fn status(fields: &Fields<'_>, received: Received) -> Result<StatusRequest, Problem> {
    Ok(StatusRequest {
        received,
        cl_ord_id: fields.required(11)?,
        ord_status_req_id: fields.text(790),
        account: fields.text(1),
        symbol: fields.text(55),
        side: Side::from_code(&fields.text(54)),
    })
}

struct Fields<'a> {
    message: &'a Message,
}

impl Fields<'_> {
    fn header(&self, tag: i32) -> String {
        self.message.with_header(|header| header.get_field(tag)).unwrap_or_default()
    }

    fn text(&self, tag: i32) -> String {
        self.message.get_field(tag).unwrap_or_default()
    }

    fn required(&self, tag: i32) -> Result<String, Problem> {
        let text = self.text(tag);
        if text.is_empty() { Err((5, format!("tag {tag} is missing"))) } else { Ok(text) }
    }

    fn code<T>(&self, tag: i32, read: fn(&str) -> Option<T>) -> Result<T, Problem> {
        let text = self.required(tag)?;
        read(&text).ok_or_else(|| (0, format!("tag {tag}: `{text}` is not supported")))
    }

    fn number(&self, tag: i32) -> Result<Decimal, Problem> {
        let text = self.required(tag)?;
        Decimal::from_str_exact(&text)
            .map_err(|_| (0, format!("tag {tag}: `{text}` is not a decimal number")))
    }

    fn optional_number(&self, tag: i32) -> Result<Option<Decimal>, Problem> {
        if self.text(tag).is_empty() { Ok(None) } else { self.number(tag).map(Some) }
    }
}

/// The message an entry goes out as, if it goes out.
pub(crate) fn encode(entry: &Entry, poss_resend: bool) -> Result<Option<Message>, QuickFixError> {
    let message = match (entry, entry.report()) {
        (_, Some(report)) => execution_report(report)?,
        (Entry::CancelRejected(reject) | Entry::DuplicateRequest(reject), _) => cancel_reject(reject)?,
        (Entry::Misunderstood(what), _) => business_reject(what)?,
        _ => return Ok(None),
    };
    let mut message = message;
    if poss_resend || matches!(entry, Entry::Repeated(_)) {
        message.with_header_mut(|header| header.set_field(97, "Y"))?;
    }
    Ok(Some(message))
}

/// An empty message of a type.
pub(crate) fn blank(msg_type: &str) -> Result<Message, QuickFixError> {
    let mut message = Message::new();
    message.with_header_mut(|header| header.set_field(35, msg_type))?;
    Ok(message)
}

fn put(message: &mut Message, tag: i32, text: &str) -> Result<(), QuickFixError> {
    // FIX has no empty fields: absent is how empty is said.
    if text.is_empty() { Ok(()) } else { message.set_field(tag, text) }
}

fn put_number(message: &mut Message, tag: i32, number: Decimal) -> Result<(), QuickFixError> {
    message.set_field(tag, number.normalize().to_string())
}

fn execution_report(report: &Report) -> Result<Message, QuickFixError> {
    let mut message = blank("8")?;
    let m = &mut message;
    put(m, 37, &report.order_id)?;
    put(m, 11, &report.cl_ord_id)?;
    put(m, 41, report.orig_cl_ord_id.as_deref().unwrap_or_default())?;
    put(m, 17, &report.exec_id)?;
    put(m, 150, report.exec_type.code())?;
    put(m, 39, report.ord_status.code())?;
    put(m, 1, &report.account)?;
    put(m, 55, &report.symbol)?;
    put(m, 54, report.side.map_or("", Side::code))?;
    put(m, 40, report.ord_type.map_or("", OrdType::code))?;
    put(m, 59, report.tif.map_or("", Tif::code))?;
    put_number(m, 38, report.qty)?;
    if let Some(price) = report.price {
        put_number(m, 44, price)?;
    }
    put_number(m, 32, report.last_qty)?;
    put_number(m, 31, report.last_px)?;
    put_number(m, 14, report.cum_qty)?;
    put_number(m, 151, report.leaves_qty)?;
    put_number(m, 6, report.avg_px)?;
    put(m, 60, &fix_time(report.transact_utc_ns))?;
    put(m, 75, &report.trade_date)?;
    if let Some(reason) = report.ord_rej_reason {
        m.set_field(103, reason)?;
    }
    put(m, 790, report.ord_status_req_id.as_deref().unwrap_or_default())?;
    put(m, 58, &report.text)?;
    Ok(message)
}

fn cancel_reject(reject: &CancelReject) -> Result<Message, QuickFixError> {
    let mut message = blank("9")?;
    let m = &mut message;
    put(m, 37, &reject.order_id)?;
    put(m, 11, &reject.cl_ord_id)?;
    put(m, 41, &reject.orig_cl_ord_id)?;
    put(m, 39, reject.ord_status.code())?;
    m.set_field(434, reject.response_to)?;
    m.set_field(102, reject.cxl_rej_reason)?;
    put(m, 1, &reject.account)?;
    put(m, 60, &fix_time(reject.transact_utc_ns))?;
    put(m, 58, &reject.text)?;
    Ok(message)
}

fn business_reject(what: &Misunderstood) -> Result<Message, QuickFixError> {
    let mut message = blank("j")?;
    let m = &mut message;
    m.set_field(45, what.msg_seq_num)?;
    put(m, 372, &what.msg_type)?;
    put(m, 379, &what.cl_ord_id)?;
    m.set_field(380, what.reason)?;
    put(m, 58, &what.text)?;
    Ok(message)
}
