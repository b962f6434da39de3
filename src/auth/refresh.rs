//! Refresh tokens: opaque, rotated at every use, one living member a family.
//!
//! Two tabs may refresh at the same moment with the same token. Both must go on, and the chain must
//! not fork. So the successor is stored sealed with its predecessor: whoever presents the previous
//! token within the grace period gets the very token that the other tab got. The database alone
//! cannot open it, because it knows only the predecessor's hash.

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::throttle::Source;
use super::{Auth, TokenPair, canary};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{RefreshResult, RevocationReason};
use crate::store::{Rotation, RotationRequest};

const BYTES: usize = 32;
/// Tells a refresh token from other secrets when it turns up where it should not.
const PREFIX: &str = "rt_";

/// A refresh token: 256 random bits.
pub(super) struct RefreshToken(Zeroizing<[u8; BYTES]>);

impl RefreshToken {
    /// A new token.
    pub(super) fn generate() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::internal("no randomness"))?;
        Ok(Self(bytes))
    }

    /// A token as a client sent it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(text.strip_prefix(PREFIX)?, &mut *bytes)
            .ok()?;
        (length == BYTES).then_some(Self(bytes))
    }

    /// The token as a client gets it.
    pub(super) fn into_string(self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// What the database knows it by.
    pub(super) fn hash(&self) -> [u8; 32] {
        bytes(&digest(&SHA256, &*self.0))
    }

    /// Seals the next token with this one, or opens what was sealed: the pad is used once, for it
    /// comes from a random token that is rotated once.
    fn seal(&self, other: &[u8]) -> Vec<u8> {
        let mut pad = Context::new(&SHA256);
        pad.update(b"rbac-sentinel refresh successor");
        pad.update(&*self.0);
        let pad = pad.finish();
        other
            .iter()
            .zip(pad.as_ref())
            .map(|(byte, pad)| byte ^ pad)
            .collect()
    }

    fn open(&self, sealed: &[u8]) -> Option<Self> {
        let opened = Zeroizing::new(self.seal(sealed));
        let opened: [u8; BYTES] = opened.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(opened)))
    }
}

fn bytes(digest: &aws_lc_rs::digest::Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

/// How a refresh ended, for the one exit.
struct End {
    result: RefreshResult,
    user: Option<Uuid>,
    session: Option<Uuid>,
    replay: bool,
}

impl Auth {
    /// Rotates a refresh token: a new pair, or `None` when it is not good, whatever the reason.
    /// A token that was used before ends the whole session, but for the immediately previous one
    /// within the grace period.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and when the database does not answer.
    pub async fn refresh(&self, source: &Source, presented: &str) -> Result<Option<TokenPair>> {
        let mut end = End {
            result: RefreshResult::Error,
            user: None,
            session: None,
            replay: false,
        };
        let outcome = match self.throttle.refresh(source, presented).await {
            Ok(()) => self.try_refresh(presented, &mut end).await,
            Err(error) => {
                end.result = RefreshResult::RateLimited;
                Err(error)
            }
        };
        let End {
            result,
            user,
            session,
            replay,
        } = end;
        Event::Refresh {
            result,
            user,
            session,
            replay,
        }
        .emit();
        outcome
    }

    async fn try_refresh(&self, presented: &str, end: &mut End) -> Result<Option<TokenPair>> {
        let Some(token) = RefreshToken::parse(presented) else {
            end.result = RefreshResult::UnknownToken;
            return Ok(None);
        };
        let next = RefreshToken::generate()?;
        let now = self.clock.now();
        let rotation = self
            .store
            .rotate(&RotationRequest {
                presented: token.hash(),
                next: next.hash(),
                sealed_next: token.seal(&*next.0),
                at: now,
                idle_ttl: self.lifetimes.session_idle,
                grace: self.lifetimes.grace,
            })
            .await?;
        let (session, user, ends_at, living) = match rotation {
            Rotation::Rotated {
                session,
                user,
                ends_at,
            } => (session, user, ends_at, next),
            Rotation::Replayed {
                session,
                user,
                ends_at,
                sealed_successor,
            } => {
                end.replay = true;
                let living = token
                    .open(&sealed_successor)
                    .ok_or_else(|| Error::internal("a sealed token of another length"))?;
                (session, user, ends_at, living)
            }
            refused => {
                self.refuse(&refused, end).await;
                return Ok(None);
            }
        };
        if !canary::may_act(user.id) {
            end.result = RefreshResult::UnknownToken;
            return Ok(None);
        }
        end.user = Some(user.id);
        end.session = Some(session);
        let pair = self.pair(&user, session, living.into_string(), now, ends_at)?;
        end.result = RefreshResult::Success;
        Ok(Some(pair))
    }

    async fn refuse(&self, rotation: &Rotation, end: &mut End) {
        (end.result, end.user) = match *rotation {
            Rotation::Expired { user } => (RefreshResult::Expired, Some(user)),
            Rotation::Ended { user } => (RefreshResult::Revoked, Some(user)),
            Rotation::Disabled { user } => (RefreshResult::Disabled, Some(user)),
            Rotation::Reused { session, user } => {
                let reason = RevocationReason::Reuse;
                self.ended(user, &[session], reason).await;
                end.session = Some(session);
                (RefreshResult::Reused, Some(user))
            }
            Rotation::Unknown | Rotation::Rotated { .. } | Rotation::Replayed { .. } => {
                (RefreshResult::UnknownToken, None)
            }
        };
    }

    /// The session and account of a refresh token, for logout.
    pub(super) async fn session_of(&self, presented: &str) -> Result<Option<(Uuid, Uuid)>> {
        match RefreshToken::parse(presented) {
            Some(token) => self.store.session_of_token(token.hash()).await,
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_form_and_nothing_else_parses() {
        let token = RefreshToken::generate().expect("random");
        let hash = token.hash();
        let text = token.into_string();
        assert_eq!(RefreshToken::parse(&text).expect("parses").hash(), hash);
        for bad in [
            "",
            "rt_",
            &text[3..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            "rt_!!!",
        ] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_the_predecessor_opens_a_sealed_successor() {
        let parent = RefreshToken::generate().expect("random");
        let other = RefreshToken::generate().expect("random");
        let child = RefreshToken::generate().expect("random");
        let sealed = parent.seal(&*child.0);
        assert_eq!(parent.open(&sealed).expect("opens").hash(), child.hash());
        assert_ne!(other.open(&sealed).expect("opens").hash(), child.hash());
        assert_ne!(sealed, child.0.to_vec());
        assert!(parent.open(b"short").is_none());
    }
}
