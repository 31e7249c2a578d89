//! An application message on its way to an engine: type and body fields, in one reusable buffer.

use std::fmt::{Display, Write};

use model::WireId;

/// Body fields of a message to be sent; header and trailer are the engine's.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    msg_type: &'static str,
    request: Option<WireId>,
    text: String,
    ends: Vec<(u32, usize)>,
}

impl Draft {
    /// An empty draft.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the last message and begins another.
    pub(crate) fn begin(&mut self, msg_type: &'static str, request: WireId) {
        self.msg_type = msg_type;
        self.request = Some(request);
        self.text.clear();
        self.ends.clear();
    }

    /// Appends a field. Values come from the model's checked texts and numbers: no SOH, no NUL.
    pub(crate) fn put(&mut self, tag: u32, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        self.ends.push((tag, self.text.len()));
    }

    /// FIX tag 35.
    pub fn msg_type(&self) -> &'static str {
        self.msg_type
    }

    /// The request the message carries in FIX tag 11.
    pub fn request(&self) -> Option<WireId> {
        self.request
    }

    /// The body fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut from = 0;
        self.ends.iter().map(move |&(tag, to)| {
            let value = self.text.get(from..to).unwrap_or("");
            from = to;
            (tag, value)
        })
    }

    /// The value of one field.
    pub fn get(&self, tag: u32) -> Option<&str> {
        self.fields().find(|(found, _)| *found == tag).map(|(_, value)| value)
    }
}
