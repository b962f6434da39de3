//! The 100,000 most frequent passwords, and what people make of them.
//!
//! The file beside this one holds hashes and no passwords; common-passwords.md says where they are from.

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::canonical::canonical;

/// First, for each value of a hash's first byte, the number of hashes up to there; then the rest of
/// each hash, in order.
static LIST: &[u8] = include_bytes!("common-passwords.bin");
const INDEX: usize = 256;
const OFFSET: usize = 4;
/// The bytes of a hash after its first.
const REST: usize = 5;

/// The longest canonical form on the list, in bytes.
const LONGEST: usize = 20;
/// The most signs and digits, before and after it together, that leave a common password common.
const MOST_AFFIXED: usize = 6;

/// Whether the password is on the list, as it is or with up to six signs and digits around it.
pub fn is_listed(password: &str) -> bool {
    let ends = |(at, char): (usize, char)| (at + char.len_utf8(), char);
    cuts(0, password.char_indices().map(ends)).any(|(before, start)| {
        let rest = &password[start..];
        cuts(rest.len(), rest.char_indices().rev())
            .take_while(|(after, _)| before + after <= MOST_AFFIXED)
            .any(|(after, end)| {
                let (core, tail) = rest.split_at(end);
                let whole = before + after == 0;
                (whole || is_core(core, [&password[..start], tail])) && contains(core)
            })
    })
}

/// Where a text can be cut so that signs and digits fall off, and how many they are. None at first.
fn cuts(
    whole: usize,
    chars: impl Iterator<Item = (usize, char)>,
) -> impl Iterator<Item = (usize, usize)> {
    let signs = chars.take_while(|(_, char)| !char.is_alphabetic());
    let places = std::iter::once(whole).chain(signs.map(|(at, _)| at));
    places.enumerate().take(MOST_AFFIXED + 1)
}

/// Digits beside digits are another number and no variation: without a letter in the core, nothing but
/// signs may be around it.
fn is_core(core: &str, around: [&str; 2]) -> bool {
    let digits = around.iter().any(|affix| affix.contains(char::is_numeric));
    core.contains(char::is_alphabetic) || !digits
}

fn contains(text: &str) -> bool {
    let mut form = Zeroizing::new([0; LONGEST]);
    let mut length = 0;
    for char in canonical(text) {
        let Some(rest) = form.get_mut(length..length + char.len_utf8()) else {
            return false;
        };
        char.encode_utf8(rest);
        length += char.len_utf8();
    }
    let hash = digest(&SHA256, &form[..length]);
    let (first, rest) = (hash.as_ref()[0], &hash.as_ref()[1..=REST]);
    bucket(first)
        .binary_search_by(|entry| entry.as_slice().cmp(rest))
        .is_ok()
}

/// The hashes that begin with this byte.
fn bucket(first: u8) -> &'static [[u8; REST]] {
    let (index, hashes) = LIST.split_at(INDEX * OFFSET);
    let end = |byte: u8| {
        let (offsets, _) = index.as_chunks::<OFFSET>();
        u32::from_be_bytes(offsets[usize::from(byte)]) as usize
    };
    let start = first.checked_sub(1).map_or(0, end);
    &hashes.as_chunks::<REST>().0[start..end(first)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_whole_and_in_order() {
        let buckets = (0..=u8::MAX).map(bucket);
        assert!(buckets.clone().all(<[_]>::is_sorted));
        let hashes: usize = buckets.map(<[_]>::len).sum();
        assert_eq!(hashes, (LIST.len() - INDEX * OFFSET) / REST);
        assert!(hashes > 75_000, "{hashes}");
    }

    #[test]
    fn listed_passwords_are_found_with_signs_and_digits_around_them() {
        for password in [
            "password",
            "123456789",
            "Summer",
            "summer2024!",
            "!summer!",
            "2024summer",
            "P@$$w0rd!",
            "Admin@123",
            "!123456789!",
            "abc@12345",
            "root123456",
        ] {
            assert!(is_listed(password), "{password}");
        }
        for password in [
            "",
            "vurkelbast",
            "summer-202412",
            "!!!!summer-2024",
            "summer violet",
            "12345678901234",
            "7777777770",
            "a-very-long-text-that-is-on-no-list",
            "🦀🐙🦑🐠🐡🦈🐳🐬",
        ] {
            assert!(!is_listed(password), "{password}");
        }
    }
}
