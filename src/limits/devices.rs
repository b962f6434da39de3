//! Device cookies: they show that an account has logged in on this browser before.
//!
//! See "device cookies" of OWASP. A cookie does not authenticate anybody: login attempts with it have a
//! rate limit of their own, so that attackers cannot use up the owner's attempts.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::secrets::random;

const ID: usize = 16;
const TIME: usize = 8;
const MAC: usize = 32;
/// The maximum length of a cookie; longer ones are not decoded.
const TEXT: usize = (ID + TIME + MAC).div_ceil(3) * 4;

/// The lifetime of a device cookie.
pub const DEVICE_TTL: Duration = Duration::from_hours(180 * 24);

/// A device that has logged in to an account before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device([u8; ID]);

impl Device {
    pub(super) const fn id(&self) -> &[u8; ID] {
        &self.0
    }
}

/// Issues device cookies and recognises them.
pub struct Devices {
    /// The first one signs, all verify.
    keys: Vec<hmac::Key>,
    clock: Clock,
}

impl Devices {
    /// Cookies signed with the first of these keys; those signed with the others are recognised, too.
    #[must_use]
    pub fn new<K: AsRef<[u8]>>(keys: &[K], clock: Clock) -> Self {
        let key = |key: &K| hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        Self {
            keys: keys.iter().map(key).collect(),
            clock,
        }
    }

    /// The value of a new cookie for this account.
    ///
    /// # Errors
    /// When the random generator fails, or there is no key: a defect.
    pub fn issue(&self, account: Uuid) -> Result<String> {
        let id = random::bytes::<ID>()?;
        let until = self
            .now()
            .saturating_add(DEVICE_TTL.as_secs())
            .to_be_bytes();
        let key = self.keys.first();
        let key = key.ok_or_else(|| Error::internal("no key for device cookies"))?;
        let mac = hmac::sign(key, &signed(&id, until, account));
        let value = [&id[..], &until, mac.as_ref()].concat();
        Ok(URL_SAFE_NO_PAD.encode(value))
    }

    /// The device, if the cookie was issued for this account and has not expired.
    #[must_use]
    pub fn recognise(&self, cookie: &str, account: Uuid) -> Option<Device> {
        if cookie.len() > TEXT {
            return None;
        }
        let value = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (id, rest) = value.split_first_chunk::<ID>()?;
        let (until, mac) = rest.split_first_chunk::<TIME>()?;
        let signed = signed(id, *until, account);
        let mut keys = self.keys.iter();
        keys.find(|key| hmac::verify(key, &signed, mac).is_ok())?;
        (u64::from_be_bytes(*until) > self.now()).then_some(Device(*id))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.now().timestamp()).unwrap_or(0)
    }
}

fn signed(id: &[u8; ID], until: [u8; TIME], account: Uuid) -> Vec<u8> {
    [&id[..], &until, account.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn device_cookie_is_good_for_its_account_alone_and_for_a_time() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let devices = Devices::new(&[b"one"], clock.clone());
        let (alice, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let cookie = devices.issue(alice).expect("random");
        let device = devices.recognise(&cookie, alice);
        assert!(device.is_some());
        assert_eq!(devices.recognise(&cookie, bob), None);
        let with = |keys: &[&[u8]]| Devices::new(keys, clock.clone()).recognise(&cookie, alice);
        assert_eq!(with(&[b"two"]), None);
        assert_eq!(with(&[b"two", b"one"]), device, "the older secret");
        let other = devices.issue(alice).expect("random");
        assert_ne!(
            devices.recognise(&other, alice),
            device,
            "each has its own id"
        );
        clock.advance(TimeDelta::days(180));
        assert_eq!(devices.recognise(&cookie, alice), None);
    }

    #[test]
    fn device_cookie_cannot_be_changed() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let devices = Devices::new(&[b"one"], clock);
        let cookie = devices.issue(Uuid::nil()).expect("random");
        for at in 0..cookie.len() {
            let mut changed = cookie.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(devices.recognise(&changed, Uuid::nil()), None, "{at}");
        }
        for bad in [
            "",
            "A",
            "=",
            &"A".repeat(75),
            &"A".repeat(100_000),
            "\u{fc}",
        ] {
            assert_eq!(devices.recognise(bad, Uuid::nil()), None, "{bad}");
        }
    }
}
