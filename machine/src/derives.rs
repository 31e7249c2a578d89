//! One place for the derives every journalled or hashed word needs.

/// Gives plain data what it needs to be journalled (rkyv), hashed and snapshotted canonically (borsh), and
/// printed for a program (serde, output only). Whoever uses it depends on these three.
#[macro_export]
macro_rules! journalled {
    ($($(#[$attribute:meta])* pub $kind:ident $name:ident $body:tt)*) => {$(
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq,
            rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
            borsh::BorshSerialize, borsh::BorshDeserialize,
            serde::Serialize,
        )]
        #[serde(rename_all = "snake_case")]
        $(#[$attribute])*
        pub $kind $name $body
    )*};
}
