//! An identifier as a number, where its text is not kept.

/// The number of a text that belongs to a number. It stands in snapshots and leads to answers, so it is fixed for good: FNV-1a
/// over the number and the text, and the last step of `MurmurHash3`, after which every bit counts everywhere.
pub(crate) fn key_of(number: u32, text: &str) -> u64 {
    let bytes = number.to_le_bytes().into_iter().chain(text.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in snapshots.
    #[test]
    fn a_number_is_fixed_for_good() {
        let key = key_of(7, "order-1");
        assert_eq!(key, 0xb031_f8ea_d229_abcd, "{key:#x}");
        assert_ne!(key, key_of(8, "order-1"));
        assert_ne!(key, key_of(7, "order-2"));
    }
}
