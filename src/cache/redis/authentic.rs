//! Authenticates values and messages in Redis: a MAC over name and content shows that a replica wrote
//! them.
//!
//! An attacker who can write to Redis has no key: they can delete, keep and restore entries, but not
//! create entries or move them to another name. Formats begin with a version and end with the MAC:
//!
//! - entry: version, epoch, when it was made, when it expires, value
//! - epoch: version and sixteen digits, which the scripts compare
//! - message: version, epoch, length and name of its guard, content

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, Tag};

const VERSION: u8 = b'1';
const MAC: usize = 32;
/// The largest epoch that the scripts' doubles hold exactly.
const LARGEST_EPOCH: u64 = (1 << 53) - 1;

/// The use of a sealed text, which opens only for the same use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A cached value.
    Entry = 1,
    /// The epoch of a guard.
    Epoch = 2,
    /// A published invalidation.
    Message = 3,
}

/// Why a text is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Too short, or of another version.
    Format,
    /// Its MAC is wrong.
    Mac,
}

/// A value with its epoch and times, in microseconds since 1970.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) epoch: u64,
    pub(super) made_at: i64,
    pub(super) expires_at: i64,
    pub(super) value: &'a [u8],
}

/// A message about a guard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) epoch: u64,
    pub(super) guard: &'a [u8],
    pub(super) content: &'a [u8],
}

/// Seals with the first of the keys that replicas share, and opens with any: while the secret is
/// replaced, some replicas seal with another one.
pub(super) struct Authenticator {
    first: Key,
    others: Vec<Key>,
}

impl Authenticator {
    pub(super) fn new(first: &[u8], others: &[impl AsRef<[u8]>]) -> Self {
        let key = |key: &[u8]| Key::new(HMAC_SHA256, key);
        Self {
            first: key(first),
            others: others.iter().map(|other| key(other.as_ref())).collect(),
        }
    }

    pub(super) fn seal_entry(&self, name: &[u8], entry: &Entry<'_>) -> Vec<u8> {
        let mut text = Vec::with_capacity(25 + entry.value.len() + MAC);
        text.push(VERSION);
        text.extend(entry.epoch.to_be_bytes());
        text.extend(entry.made_at.to_be_bytes());
        text.extend(entry.expires_at.to_be_bytes());
        text.extend(entry.value);
        self.seal(Item::Entry, name, text)
    }

    pub(super) fn open_entry<'a>(&self, name: &[u8], sealed: &'a [u8]) -> Result<Entry<'a>, Fault> {
        let text = self.open(Item::Entry, name, sealed)?;
        let (epoch, text) = text.split_first_chunk().ok_or(Fault::Format)?;
        let (made_at, text) = text.split_first_chunk().ok_or(Fault::Format)?;
        let (expires_at, value) = text.split_first_chunk().ok_or(Fault::Format)?;
        Ok(Entry {
            epoch: u64::from_be_bytes(*epoch),
            made_at: i64::from_be_bytes(*made_at),
            expires_at: i64::from_be_bytes(*expires_at),
            value,
        })
    }

    pub(super) fn seal_epoch(&self, name: &[u8], epoch: u64) -> Vec<u8> {
        let epoch = epoch.min(LARGEST_EPOCH);
        let text = format!("{}{epoch:016}", char::from(VERSION));
        self.seal(Item::Epoch, name, text.into_bytes())
    }

    pub(super) fn open_epoch(&self, name: &[u8], sealed: &[u8]) -> Result<u64, Fault> {
        let text = self.open(Item::Epoch, name, sealed)?;
        let digits = std::str::from_utf8(text).map_err(|_| Fault::Format)?;
        digits.parse().map_err(|_| Fault::Format)
    }

    pub(super) fn seal_message(&self, channel: &[u8], message: &Message<'_>) -> Vec<u8> {
        let mut text = vec![VERSION];
        text.extend(message.epoch.to_be_bytes());
        text.extend((message.guard.len() as u64).to_be_bytes());
        text.extend(message.guard);
        text.extend(message.content);
        self.seal(Item::Message, channel, text)
    }

    pub(super) fn open_message<'a>(
        &self,
        channel: &[u8],
        sealed: &'a [u8],
    ) -> Result<Message<'a>, Fault> {
        let text = self.open(Item::Message, channel, sealed)?;
        let (epoch, text) = text.split_first_chunk().ok_or(Fault::Format)?;
        let (length, text) = text.split_first_chunk().ok_or(Fault::Format)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| Fault::Format)?;
        let (guard, content) = text.split_at_checked(length).ok_or(Fault::Format)?;
        Ok(Message {
            epoch: u64::from_be_bytes(*epoch),
            guard,
            content,
        })
    }

    fn seal(&self, item: Item, name: &[u8], mut text: Vec<u8>) -> Vec<u8> {
        let mac = authenticate(&self.first, item, name, &text);
        text.extend(mac.as_ref());
        text
    }

    /// The text behind its version, if it was sealed for this use and name.
    fn open<'a>(&self, item: Item, name: &[u8], sealed: &'a [u8]) -> Result<&'a [u8], Fault> {
        let (text, mac) = sealed.split_last_chunk::<MAC>().ok_or(Fault::Format)?;
        let Some((&VERSION, content)) = text.split_first() else {
            return Err(Fault::Format);
        };
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        let sealed_with = |key: &Key| {
            let expected = authenticate(key, item, name, text);
            verify_slices_are_equal(expected.as_ref(), mac).is_ok()
        };
        keys.any(sealed_with).then_some(content).ok_or(Fault::Mac)
    }
}

fn authenticate(key: &Key, item: Item, name: &[u8], text: &[u8]) -> Tag {
    let mut context = Context::with_key(key);
    context.update(&[item as u8]);
    context.update(&(name.len() as u64).to_be_bytes());
    context.update(name);
    context.update(text);
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry<'_> = Entry {
        epoch: 7,
        made_at: 1_767_225_600_000_000,
        expires_at: 1_767_225_605_000_000,
        value: b"{\"roles\":[\"user\"]}",
    };
    const MESSAGE: Message<'_> = Message {
        epoch: 8,
        guard: b"guard",
        content: b"content",
    };

    fn ours() -> Authenticator {
        Authenticator::new(&[1; 32], &[] as &[&[u8]])
    }

    #[test]
    fn text_sealed_with_the_older_secret_opens_and_is_not_made() {
        let (old, new) = ([1; 32], [3; 32]);
        let both = Authenticator::new(&new, &[old]);
        let sealed = ours().seal_entry(b"name", &ENTRY);
        assert_eq!(both.open_entry(b"name", &sealed), Ok(ENTRY));
        let sealed = both.seal_entry(b"name", &ENTRY);
        assert_eq!(both.open_entry(b"name", &sealed), Ok(ENTRY));
        assert_eq!(ours().open_entry(b"name", &sealed), Err(Fault::Mac));
    }

    #[test]
    fn what_was_sealed_opens_as_it_was() {
        let ours = ours();
        let sealed = ours.seal_entry(b"name", &ENTRY);
        assert_eq!(ours.open_entry(b"name", &sealed), Ok(ENTRY));
        let sealed = ours.seal_epoch(b"name", 1_767_225_600_000_000);
        assert_eq!(ours.open_epoch(b"name", &sealed), Ok(1_767_225_600_000_000));
        let sealed = ours.seal_message(b"channel", &MESSAGE);
        assert_eq!(ours.open_message(b"channel", &sealed), Ok(MESSAGE));
    }

    #[test]
    fn no_byte_can_be_changed_and_none_left_out() {
        let ours = ours();
        let opens = |sealed: &[u8]| {
            ours.open_entry(b"name", sealed).is_ok()
                || ours.open_epoch(b"name", sealed).is_ok()
                || ours.open_message(b"name", sealed).is_ok()
        };
        for sealed in [
            ours.seal_entry(b"name", &ENTRY),
            ours.seal_epoch(b"name", 7),
            ours.seal_message(b"name", &MESSAGE),
        ] {
            assert!(opens(&sealed));
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(!opens(&changed), "byte {at}");
                assert!(!opens(&sealed[..at]) && !opens(&sealed[at + 1..]), "{at}");
            }
        }
    }

    #[test]
    fn name_use_and_key_must_be_the_same() {
        let (ours, strangers) = (ours(), Authenticator::new(&[2; 32], &[] as &[&[u8]]));
        let sealed = ours.seal_entry(b"name", &ENTRY);
        assert_eq!(ours.open_entry(b"other", &sealed), Err(Fault::Mac));
        assert_eq!(strangers.open_entry(b"name", &sealed), Err(Fault::Mac));
        assert_eq!(ours.open_message(b"name", &sealed), Err(Fault::Mac));
        assert_eq!(ours.open_epoch(b"name", &sealed), Err(Fault::Mac));
        // A byte cannot move from the end of the name to the beginning of the text.
        assert_eq!(ours.open_entry(b"nam", &sealed), Err(Fault::Mac));
    }

    #[test]
    fn what_was_never_sealed_is_of_no_format() {
        let ours = ours();
        let old = br#"{"user":"0193b5a0-0000-7000-8000-000000000000","until":9000000000000000}"#;
        for text in [&b""[..], b"1", b"5", old, &[b'2'; 100], &[0; 33]] {
            assert_eq!(ours.open_entry(b"name", text), Err(Fault::Format));
            assert_eq!(ours.open_epoch(b"name", text), Err(Fault::Format));
            assert_eq!(ours.open_message(b"name", text), Err(Fault::Format));
        }
    }

    #[test]
    fn epochs_have_the_width_that_scripts_read() {
        for epoch in [0, 1, 1_767_225_600_000_000, LARGEST_EPOCH, u64::MAX] {
            let sealed = ours().seal_epoch(b"name", epoch);
            assert_eq!(sealed.len(), 17 + MAC);
            assert!(sealed[1..17].iter().all(u8::is_ascii_digit));
        }
    }

    #[test]
    fn epochs_end_where_doubles_are_exact() {
        let sealed = ours().seal_epoch(b"name", u64::MAX);
        assert_eq!(&sealed[1..17], b"9007199254740991");
        assert_eq!(
            ours().open_epoch(b"name", &sealed),
            Ok(9_007_199_254_740_991)
        );
    }
}
