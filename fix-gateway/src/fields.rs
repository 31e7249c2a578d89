//! Reading raw FIX: `tag=value` fields that end with SOH (FIX 4.4 volume 1, "FIX message format").
//!
//! Tolerant by design: a field that is no `tag=value` is passed over, a message without its end is read as far as
//! it goes. Whether something required is missing is for the translation to say.

/// The end of a field.
pub(crate) const SOH: u8 = 1;

/// The fields of a raw message, in order.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads `raw` from its first byte.
    pub const fn of(raw: &'a [u8]) -> Self {
        Self { rest: raw }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|&byte| byte == SOH);
            let (field, rest) = match end {
                Some(end) => (self.rest.get(..end)?, self.rest.get(end + 1..)?),
                // Cut short: what follows the last SOH is not a whole field.
                None => (&[][..], &[][..]),
            };
            self.rest = rest;
            if let Some(field) = split(field) {
                return Some(field);
            }
        }
        None
    }
}

fn split(field: &[u8]) -> Option<(u32, &[u8])> {
    let equals = field.iter().position(|&byte| byte == b'=')?;
    let mut tag: u32 = 0;
    for &byte in field.get(..equals)? {
        let digit = char::from(byte).to_digit(10)?;
        tag = tag.checked_mul(10)?.checked_add(digit)?;
    }
    if tag == 0 { None } else { Some((tag, field.get(equals + 1..)?)) }
}

/// The first value of a tag in a raw message, where it is UTF-8 and not empty.
pub fn field(raw: &[u8], tag: u32) -> Option<&str> {
    let (_, value) = Fields::of(raw).find(|(found, _)| *found == tag)?;
    std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_fields_in_order_and_passes_over_garbage() {
        let raw = b"8=FIX.4.4\x01junk\x01=5\x0135=8\x0158=a=b\x0199999999999=1\x0111=cut";
        let fields: Vec<_> = Fields::of(raw).collect();
        assert_eq!(fields, [(8, &b"FIX.4.4"[..]), (35, b"8"), (58, b"a=b")]);
        assert_eq!(field(raw, 58), Some("a=b"));
        assert_eq!(field(raw, 11), None);
    }

    #[test]
    fn an_empty_or_foreign_value_is_no_value() {
        assert_eq!(field(b"58=\x01", 58), None);
        assert_eq!(field(b"58=\xff\x01", 58), None);
    }

    proptest! {
        #![proptest_config(crate::seeded(512))]

        #[test]
        fn any_bytes_are_read_without_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            for (tag, value) in Fields::of(&raw) {
                prop_assert!(tag > 0);
                prop_assert!(!value.contains(&SOH));
            }
        }
    }
}
