//! When a certificate expires. The TLS library checks the certificates of others and tells nobody.

use chrono::{DateTime, NaiveDateTime, Utc};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The version, which the first one leaves out.
const VERSION: u8 = 0xa0;

/// The time `notAfter` of a certificate in DER (RFC 5280 section 4.1); nothing when it is none.
pub(super) fn not_after(certificate: &[u8]) -> Option<DateTime<Utc>> {
    let mut certificate = Der(certificate).next(SEQUENCE)?;
    let mut fields = certificate.next(SEQUENCE)?;
    if fields.0.first() == Some(&VERSION) {
        fields.next(VERSION)?;
    }
    let _serial = fields.next(INTEGER)?;
    let _algorithm = fields.next(SEQUENCE)?;
    let _issuer = fields.next(SEQUENCE)?;
    let mut validity = fields.next(SEQUENCE)?;
    let _not_before = validity.any()?;
    let (kind, Der(text)) = validity.any()?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match kind {
        // Two digits of the year, of 1950 to 2049.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some(time.and_utc())
}

/// What is left of some elements.
struct Der<'a>(&'a [u8]);

impl Der<'_> {
    /// The contents of the next element, which must be of this kind.
    fn next(&mut self, kind: u8) -> Option<Self> {
        let (found, contents) = self.any()?;
        (found == kind).then_some(contents)
    }

    /// The kind and the contents of the next element.
    fn any(&mut self) -> Option<(u8, Self)> {
        let (&[kind, length], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            // No certificate has 2^32 bytes.
            let sound = (1..=4).contains(&digits.len());
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (sound.then_some(length)?, rest)
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, Self(contents)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(kind: u8, contents: &[u8]) -> Vec<u8> {
        let length = contents.len();
        let head = match u8::try_from(length) {
            Ok(short) if short < 0x80 => vec![kind, short],
            Ok(byte) => vec![kind, 0x81, byte],
            Err(_) => [
                &[kind, 0x82][..],
                &u16::try_from(length).expect("short").to_be_bytes(),
            ]
            .concat(),
        };
        [&head[..], contents].concat()
    }

    /// A certificate with an issuer of this length, as far as the time is concerned.
    fn certificate(version: bool, issuer: usize, kind: u8, time: &str) -> Vec<u8> {
        let validity = [
            element(UTC_TIME, b"200101000000Z"),
            element(kind, time.as_bytes()),
        ]
        .concat();
        let fields = [
            if version {
                element(VERSION, &element(INTEGER, &[2]))
            } else {
                Vec::new()
            },
            element(INTEGER, &[7]),
            element(SEQUENCE, b"an algorithm"),
            element(SEQUENCE, &vec![b'x'; issuer]),
            element(SEQUENCE, &validity),
            element(SEQUENCE, b"a subject"),
        ];
        element(SEQUENCE, &element(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn expiry_is_read_in_both_forms_of_time() {
        for (kind, time, expected) in [
            (UTC_TIME, "261231235958Z", 1_798_761_598),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", -631_152_000),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
        ] {
            for (version, issuer) in [(true, 20), (false, 20), (true, 200), (true, 300)] {
                let certificate = certificate(version, issuer, kind, time);
                let read = not_after(&certificate).expect("a time").timestamp();
                assert_eq!(read, expected, "{time}");
            }
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_expiry() {
        let whole = certificate(true, 20, UTC_TIME, "261231235958Z");
        let end = whole.len() - element(SEQUENCE, b"a subject").len();
        for length in 0..end {
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
        for time in [
            "",
            "26",
            "261231235958",
            "269931235958Z",
            "26123123595\u{e9}",
        ] {
            assert_eq!(
                not_after(&certificate(true, 20, UTC_TIME, time)),
                None,
                "{time}"
            );
        }
        assert_eq!(
            not_after(&certificate(true, 20, INTEGER, "261231235958Z")),
            None
        );
        assert_eq!(
            not_after(&[SEQUENCE, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
            None
        );
        // Without its first byte, a length of 128 is the indefinite one of BER.
        let mut certificates =
            (0..).map(|issuer| certificate(true, issuer, UTC_TIME, "261231235958Z"));
        let mut indefinite = certificates
            .find(|it| it[1..3] == [0x81, 0x80])
            .expect("one");
        assert!(not_after(&indefinite).is_some());
        indefinite.remove(1);
        assert_eq!(not_after(&indefinite), None);
    }
}
