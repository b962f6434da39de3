//! Content codings: which one a client wants (RFC 9110 section 12.5.3), and the compression itself.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use poem::http::{HeaderMap, header};

/// The maximum number of codings read from a request; browsers send five.
const MAX_CODINGS: usize = 16;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not compressed.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Brotli (RFC 7932).
    Brotli,
}

impl Coding {
    /// The value of `Content-Encoding`; `None` for a body that is not encoded.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// Whether a word of `Accept-Encoding` means it.
    fn is_called(self, word: &str) -> bool {
        let names: &[&str] = match self {
            Self::Identity => &["identity"],
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Brotli => &["br"],
        };
        names.iter().any(|name| name.eq_ignore_ascii_case(word))
    }
}

/// The best of `offered`, preferred first, for a request with these headers. Without a preference of
/// the client, or if it accepts none of them, the body is not encoded.
#[must_use]
pub fn negotiate(headers: &HeaderMap, offered: &[Coding]) -> Coding {
    let wishes: Vec<(&str, u16)> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .take(MAX_CODINGS)
        .filter_map(wish)
        .collect();
    let weight = |coding: &Coding| {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let named = wishes.iter().find(|(word, _)| wanted(word));
            named.map(|(_, weight)| *weight)
        };
        of(&|word| coding.is_called(word))
            .or_else(|| of(&|word| word == "*"))
            .unwrap_or(0)
    };
    let mut best = (Coding::Identity, 0);
    for coding in offered {
        let weight = weight(coding);
        if weight > best.1 {
            best = (*coding, weight);
        }
    }
    // A client that names `identity` prefers it to codings of lower weight.
    let plain = wishes
        .iter()
        .find(|(word, _)| Coding::Identity.is_called(word));
    match plain {
        Some((_, weight)) if *weight > best.1 => Coding::Identity,
        _ => best.0,
    }
}

/// A coding and its weight in thousandths. Invalid ones are ignored.
fn wish(element: &str) -> Option<(&str, u16)> {
    let (word, weight) = match element.split_once(';') {
        None => (element, 1000),
        Some((word, parameter)) => {
            let (name, value) = parameter.split_once('=')?;
            if !name.trim().eq_ignore_ascii_case("q") {
                return None;
            }
            (word, thousandths(value.trim())?)
        }
    };
    let word = word.trim();
    (!word.is_empty()).then_some((word, weight))
}

/// A weight: 0 to 1 with three decimals at most (RFC 9110 section 12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !digits {
        return None;
    }
    let weight: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (weight <= 1000).then_some(weight)
}

/// Compresses with gzip. Takes milliseconds, so do not call it on the runtime's threads.
#[must_use]
pub fn gzip(bytes: &[u8], effort: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), effort);
    encoder
        .write_all(bytes)
        .expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&str]) -> Coding {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT_ENCODING, value.parse().expect("a value"));
        }
        negotiate(&headers, &[Coding::Brotli, Coding::Gzip])
    }

    #[test]
    fn the_heaviest_coding_wins_and_ours_among_equals() {
        use Coding::{Brotli, Gzip, Identity};
        for (value, coding) in [
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("br;q=0.5, gzip;q=0.51", Gzip),
            ("br;q=0.5, gzip;q=0.5", Brotli),
            ("GZIP;Q=1.000", Gzip),
            ("x-gzip", Gzip),
            (" gzip ; q=0.001 ", Gzip),
            ("*", Brotli),
            ("br;q=0, *", Gzip),
            ("gzip;q=0", Identity),
            ("gzip;q=0.000, br;q=0", Identity),
            ("*;q=0", Identity),
            ("identity", Identity),
            ("identity;q=0.5, gzip;q=0.4", Identity),
            ("identity, gzip", Gzip),
            ("identity;q=0.5, gzip", Gzip),
            ("deflate, zstd, compress", Identity),
            ("", Identity),
        ] {
            assert_eq!(chosen(&[value]), coding, "{value:?}");
        }
        assert_eq!(chosen(&[]), Identity, "no wish");
        assert_eq!(chosen(&["deflate", "gzip"]), Gzip, "two lines are one list");
    }

    #[test]
    fn what_breaks_the_grammar_is_no_wish() {
        for value in [
            "gzip;q=2",
            "gzip;q=1.001",
            "gzip;q=0.0001",
            "gzip;q=-1",
            "gzip;q=",
            "gzip;q=.5",
            "gzip;q=0.x",
            "gzip;level=9",
            "gzip;q=1;q=1",
            "gzip br",
            ";q=1",
            ",,,",
        ] {
            assert_eq!(chosen(&[value]), Coding::Identity, "{value:?}");
        }
    }

    #[test]
    fn a_list_without_end_is_read_to_its_bound() {
        let long = "x,".repeat(MAX_CODINGS - 1);
        assert_eq!(chosen(&[&format!("{long}gzip")]), Coding::Gzip);
        assert_eq!(chosen(&[&format!("{long}x,gzip")]), Coding::Identity);
    }
}
