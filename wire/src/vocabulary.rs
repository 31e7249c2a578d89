//! The table of words: what may be asked over the local socket, and what is answered.
//!
//! It is no second list. The macros of this file stand around the definitions that read and write the protocol, pass them on
//! as they are, and tell each member with its own documentation. The tables of `docs/local-protocol.md` and the help of the
//! command line are made of it, so what a request is stands in one place: its definition.

use model::{
    Amount, ClOrdId, Currency, LimitKind, Name, OrdStatus, OrderId, OrderType, PendingKind, Position, Price,
    Quantity, Reference, SessionState, Side, Symbol, TimeInForce,
};

use super::text::Words;

/// What stands under a name in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A text: a name, an identifier, a position.
    Text,
    /// An exact decimal, as text.
    Decimal,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Truth,
    /// One of these words.
    OneOf(Vec<String>),
    /// An object with these members.
    Members(Vec<Member>),
    /// An object with exactly one of these members.
    Either(Vec<Member>),
    /// A list.
    List(Box<Self>),
    /// Any JSON.
    Any,
}

/// A name in an object, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As it is written.
    pub name: String,
    /// What it means.
    pub says: String,
    /// What stands there.
    pub holds: Holds,
    /// True where it may be null.
    pub may_be_null: bool,
    /// True where it may be left out of what is read.
    pub has_default: bool,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestWord {
    /// Its word, what it means and what it takes.
    pub word: Member,
    /// The words of its answers; `refused` may always be one.
    pub answers: &'static [&'static str],
    /// The commands that send it, as they are typed after `gannet`; none where only programs ask so.
    pub commands: &'static [&'static str],
}

/// What has a place in the table.
pub trait Worded {
    /// True where the member may be null.
    const MAY_BE_NULL: bool = false;

    /// What stands there.
    fn holds() -> Holds;
}

macro_rules! held {
    ($($holds:ident: $($name:ty),+;)*) => {$($(
        impl Worded for $name {
            fn holds() -> Holds { Holds::$holds }
        }
    )+)*};
}

held! {
    Text: String, Name, ClOrdId, Currency, OrderId, Position, Reference, Symbol;
    Decimal: Amount, Price, Quantity;
    Whole: u16, u32, u64, i64;
    Truth: bool;
    Any: serde_json::Value;
}

macro_rules! one_of {
    ($($name:ty),*) => {$(
        impl Worded for $name {
            fn holds() -> Holds {
                Holds::OneOf(Self::ALL.iter().map(|value| value.word().to_owned()).collect())
            }
        }
    )*};
}

one_of!(Side, OrderType, TimeInForce, OrdStatus, LimitKind, PendingKind, SessionState);

impl<T: Worded> Worded for Option<T> {
    const MAY_BE_NULL: bool = true;

    fn holds() -> Holds {
        T::holds()
    }
}

impl<T: Worded> Worded for Vec<T> {
    fn holds() -> Holds {
        Holds::List(Box::new(T::holds()))
    }
}

impl<T: Worded> Worded for Box<T> {
    fn holds() -> Holds {
        T::holds()
    }
}

/// A member of a struct, from what its definition says: `serde` is its attribute.
pub(crate) fn member<T: Worded>(name: &str, serde: &str, says: &str) -> Member {
    let renamed = serde.split_once("rename = \"").and_then(|(_, rest)| rest.split('"').next());
    Member {
        name: renamed.unwrap_or(name).to_owned(),
        says: said(says),
        holds: T::holds(),
        may_be_null: T::MAY_BE_NULL,
        has_default: serde.contains("default"),
    }
}

/// A member of an enum: the object has this one and no other.
pub(crate) fn choice(variant: &str, says: &str, holds: Holds) -> Member {
    Member { name: snake(variant), says: said(says), holds, may_be_null: false, has_default: false }
}

/// One line of documentation: each of its lines begins with a space.
fn said(documentation: &str) -> String {
    documentation.trim().to_owned()
}

/// As `rename_all = "snake_case"` writes a variant.
pub(crate) fn snake(variant: &str) -> String {
    let mut word = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

/// What a variant carries.
macro_rules! carried {
    ({}) => { $crate::vocabulary::Holds::Members(Vec::new()) };
    (($(#[serde($($how:tt)*)])? $type:ty)) => { <$type as $crate::vocabulary::Worded>::holds() };
    ({$($(#[doc = $says:literal])+ $(#[serde($($how:tt)*)])? $member:ident: $type:ty),+ $(,)?}) => {
        $crate::vocabulary::Holds::Members(vec![$(
            $crate::vocabulary::member::<$type>(
                stringify!($member), concat!($($(stringify!($how)),*)?), concat!($($says),+),
            )
        ),+])
    };
}

/// Passes a definition on as it is, and gives its words a place in the table.
macro_rules! worded {
    ($(#[$outer:meta])* pub struct $name:ident $(<$of:ident>)? {
        $($(#[doc = $says:literal])+ $(#[serde($($how:tt)*)])? pub $member:ident: $type:ty),* $(,)?
    }) => {
        $(#[$outer])*
        pub struct $name $(<$of>)? {
            $($(#[doc = $says])+ $(#[serde($($how)*)])? pub $member: $type),*
        }

        impl $(<$of: $crate::vocabulary::Worded>)? $crate::vocabulary::Worded for $name $(<$of>)? {
            fn holds() -> $crate::vocabulary::Holds {
                $crate::vocabulary::Holds::Members(vec![$(
                    $crate::vocabulary::member::<$type>(
                        stringify!($member), stringify!($($($how)*)?), concat!($($says),+),
                    )
                ),*])
            }
        }
    };
    ($(#[$outer:meta])* pub enum $name:ident { $($(#[doc = $says:literal])+ $variant:ident),+ $(,)? }) => {
        $(#[$outer])*
        pub enum $name { $($(#[doc = $says])+ $variant),+ }

        impl $crate::vocabulary::Worded for $name {
            fn holds() -> $crate::vocabulary::Holds {
                $crate::vocabulary::Holds::OneOf(vec![$($crate::vocabulary::snake(stringify!($variant))),+])
            }
        }
    };
    ($(#[$outer:meta])* pub enum $name:ident { $($(#[doc = $says:literal])+ $variant:ident $body:tt),+ $(,)? }) => {
        $(#[$outer])*
        pub enum $name { $($(#[doc = $says])+ $variant $body),+ }

        impl $crate::vocabulary::Worded for $name {
            fn holds() -> $crate::vocabulary::Holds {
                $crate::vocabulary::Holds::Either(vec![$($crate::vocabulary::choice(
                    stringify!($variant), concat!($($says),+), $crate::vocabulary::carried!($body),
                )),+])
            }
        }
    };
}

/// The requests: each variant says by which words it is answered, and which commands send it.
macro_rules! requests {
    ($(#[$outer:meta])* pub enum $name:ident { $(
        $(#[doc = $says:literal])+
        $variant:ident $body:tt => [$($answer:literal),+] by [$($command:literal),*]
    ),+ $(,)? }) => {
        $(#[$outer])*
        pub enum $name { $($(#[doc = $says])+ $variant $body),+ }

        /// Every request, in the order of its definition.
        pub fn requests() -> Vec<$crate::vocabulary::RequestWord> {
            vec![$($crate::vocabulary::RequestWord {
                word: $crate::vocabulary::choice(
                    stringify!($variant), concat!($($says),+), $crate::vocabulary::carried!($body),
                ),
                answers: &[$($answer),+],
                commands: &[$($command),*],
            }),+]
        }
    };
}

pub(crate) use {carried, requests, worded};
