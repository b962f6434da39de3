//! The refresh token in a cookie: for pages, whose scripts cannot read it there.
//!
//! Browsers send cookies with requests that other sites cause. So the cookie counts only if the request
//! says so in a header, which other sites cannot send without a preflight request, and comes from a page
//! of the service's own origin or of a listed one. `SameSite=Strict` keeps it from other sites besides.

use std::time::Duration;

use poem::Request;
use poem::http::{HeaderName, HeaderValue, header};

use super::fields::SecretText;
use super::problem::{Problem, ProblemKind};
use crate::config::{Origin, Origins};

/// The header with which a request says that the refresh token is, or is to be, in the cookie.
pub const REFRESH_TOKEN_IN: HeaderName = HeaderName::from_static("refresh-token-in");
/// Its only value.
pub const COOKIE: &str = "cookie";
/// With this prefix, browsers accept the cookie only from this host and only over TLS.
const NAME: &str = "__Host-rbac-sentinel-refresh";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The cookie, if it is allowed.
#[derive(Clone)]
pub struct RefreshCookie(Option<Allowed>);

#[derive(Clone)]
struct Allowed {
    origins: Vec<HeaderValue>,
    /// In seconds.
    lasts: u64,
}

/// Where the client has its refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In bodies.
    Body,
    /// In the cookie.
    Cookie,
}

impl RefreshCookie {
    /// For pages of the issuer's origin and of these, for as long as an unused session lasts; without
    /// such a time, none is allowed.
    #[must_use]
    pub fn new(issuer: &str, origins: &Origins, lasts: Option<Duration>) -> Self {
        let Some(lasts) = lasts else {
            return Self(None);
        };
        let own = Origin::of_url(issuer);
        let all = own.iter().chain(origins.iter());
        let all = all.filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
        Self(Some(Allowed {
            origins: all.collect(),
            lasts: lasts.as_secs(),
        }))
    }

    /// Where the request says that its refresh token is.
    ///
    /// # Errors
    /// 400 for another word, or where no cookie is allowed; 403 for a page of a foreign origin.
    pub fn place(&self, request: &Request) -> Result<Place, Problem> {
        let mut words = request.headers().get_all(REFRESH_TOKEN_IN).iter();
        let Some(word) = words.next() else {
            return Ok(Place::Body);
        };
        let refuse = |rule: &str| Err(Problem::malformed().field("Refresh-Token-In", rule));
        if word != COOKIE || words.next().is_some() {
            return refuse("must be `cookie`");
        }
        let Some(allowed) = &self.0 else {
            return refuse("is not allowed: ALLOW_COOKIES is off");
        };
        allowed.check_origin(request)?;
        Ok(Place::Cookie)
    }

    /// Where the tokens of a login go. Where cookies are allowed, pages of foreign origins may not log
    /// anybody in, not even without the cookie: there is no use for it but an abuse.
    ///
    /// # Errors
    /// As [`RefreshCookie::place`].
    pub fn place_of_login(&self, request: &Request) -> Result<Place, Problem> {
        if let Some(allowed) = &self.0 {
            allowed.check_origin(request)?;
        }
        self.place(request)
    }

    /// The refresh token that a request presents, in its body or in its cookie, and where it is.
    ///
    /// # Errors
    /// As [`RefreshCookie::place`]; 400 if both have one.
    pub fn presented(
        &self,
        request: &Request,
        in_body: Option<SecretText>,
    ) -> Result<(Option<SecretText>, Place), Problem> {
        let place = self.place(request)?;
        let in_cookie = if self.0.is_some() {
            sent(request)?
        } else {
            None
        };
        if in_body.is_some() && (in_cookie.is_some() || place == Place::Cookie) {
            let rule = "must not be in the body of a request with the cookie: use one of them";
            return Err(Problem::malformed().field("refresh_token", rule));
        }
        match place {
            Place::Body => Ok((in_body, place)),
            Place::Cookie => Ok((in_cookie, place)),
        }
    }

    /// The `Set-Cookie` header that gives the browser a token.
    #[must_use]
    pub fn set(&self, token: &str) -> String {
        let lasts = self.0.as_ref().map_or(0, |allowed| allowed.lasts);
        format!("{NAME}={token}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict; Secure")
    }

    /// The `Set-Cookie` header that removes the cookie, if the token is there.
    #[must_use]
    pub fn removed_from(place: Place) -> Option<String> {
        let removal = || format!("{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure");
        (place == Place::Cookie).then(removal)
    }
}

/// The value of the cookie, if the request has it.
fn sent(request: &Request) -> Result<Option<SecretText>, Problem> {
    let lines = request.headers().get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok());
    let pairs = pairs.flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='));
    let (value, another) = (values.next(), values.next());
    if another.is_some() {
        // One of them is not ours, and nothing tells which.
        return Err(Problem::malformed().field("Cookie", "has the refresh token twice"));
    }
    let value = value.filter(|value| !value.is_empty());
    Ok(value.map(|value| SecretText::from(value.to_owned())))
}

impl Allowed {
    /// Refuses pages of foreign origins. Browsers send `Origin` with every POST; without it,
    /// `Sec-Fetch-Site` must not say that another origin caused the request. Programs send neither.
    fn check_origin(&self, request: &Request) -> Result<(), Problem> {
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        let allowed = match (origins.next(), origins.next()) {
            (Some(origin), None) => self.origins.contains(origin),
            (Some(_), Some(_)) => false,
            (None, _) => {
                let mut sites = request.headers().get_all(SEC_FETCH_SITE).iter();
                sites.all(|site| site == "same-origin" || site == "none")
            }
        };
        if allowed {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::ForeignOrigin)
            .detail("the page's origin is neither that of PUBLIC_URL nor in CORS_ORIGINS"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie() -> RefreshCookie {
        let origins = "https://app.example.com".parse().expect("an origin");
        RefreshCookie::new(
            "https://Auth.Example.com/path",
            &origins,
            Some(Duration::from_mins(1)),
        )
    }

    fn request(headers: &[(&str, &str)]) -> Request {
        let request = headers
            .iter()
            .fold(Request::builder(), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.finish()
    }

    /// What a request with these headers, and with a token in its body, presents.
    fn presented(headers: &[(&str, &str)], in_body: Option<&str>) -> Result<String, ProblemKind> {
        let in_body = in_body.map(|token| SecretText::from(token.to_owned()));
        let found = cookie().presented(&request(headers), in_body);
        let (token, place) = found.map_err(|problem| problem.kind)?;
        let token = token.as_ref().map_or("-", SecretText::expose);
        Ok(format!("{token} {place:?}"))
    }

    #[test]
    fn cookie_is_for_this_host_by_tls_and_for_no_script() {
        let removed = RefreshCookie::removed_from(Place::Cookie).expect("removed");
        for (line, value, age) in [
            (cookie().set("rt_x"), "rt_x", "Max-Age=60"),
            (removed, "", "Max-Age=0"),
        ] {
            let parts: Vec<_> = line.split("; ").collect();
            let expected = [
                &format!("__Host-rbac-sentinel-refresh={value}"),
                "Path=/",
                age,
                "HttpOnly",
                "SameSite=Strict",
                "Secure",
            ];
            assert_eq!(parts, expected);
        }
        assert_eq!(RefreshCookie::removed_from(Place::Body), None);
    }

    #[test]
    fn cookie_counts_only_for_requests_that_say_so() {
        let wish = ("refresh-token-in", "cookie");
        let sent = ("cookie", "a=b; __Host-rbac-sentinel-refresh=rt_x; c=d");
        let malformed = Err(ProblemKind::MalformedRequest);
        for (headers, in_body, expected) in [
            (&[][..], Some("rt_b"), Ok("rt_b Body")),
            (&[sent], None, Ok("- Body")),
            (&[wish, sent], None, Ok("rt_x Cookie")),
            (&[wish], None, Ok("- Cookie")),
            (
                &[wish, ("cookie", "__Host-rbac-sentinel-refresh=")],
                None,
                Ok("- Cookie"),
            ),
            (
                &[wish, ("cookie", "rbac-sentinel-refresh=rt_x")],
                None,
                Ok("- Cookie"),
            ),
            // Never both.
            (&[wish, sent], Some("rt_b"), malformed),
            (&[sent], Some("rt_b"), malformed),
            (&[wish], Some("rt_b"), malformed),
            // Nor two of one.
            (&[wish, sent, sent], None, malformed),
            (&[wish, wish, sent], None, malformed),
            (&[("refresh-token-in", "Cookie"), sent], None, malformed),
            (&[("refresh-token-in", "body")], Some("rt_b"), malformed),
        ] {
            let found = presented(headers, in_body);
            assert_eq!(
                found.as_deref().map_err(|kind| *kind),
                expected,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn pages_of_foreign_origins_are_refused() {
        let origin = |value| ("origin", value);
        let site = |value| ("sec-fetch-site", value);
        for (headers, allowed) in [
            (&[][..], true),
            (&[origin("https://auth.example.com")], true),
            (
                &[origin("https://app.example.com"), site("same-site")],
                true,
            ),
            (&[site("same-origin")], true),
            (&[site("none")], true),
            (&[site("cross-site")], false),
            (&[site("same-site")], false),
            (&[site("nonsense")], false),
            (&[site("same-origin"), site("cross-site")], false),
            (&[origin("null")], false),
            (&[origin("null"), site("same-origin")], false),
            (&[origin("https://evil.example.com")], false),
            (&[origin("http://app.example.com")], false),
            (&[origin("https://app.example.com:8443")], false),
            (&[origin("https://app.example.com.evil.example")], false),
            (&[origin("https://APP.example.com")], false),
            (&[origin("")], false),
            (
                &[
                    origin("https://app.example.com"),
                    origin("https://evil.example"),
                ],
                false,
            ),
        ] {
            let with_wish = [headers, &[("refresh-token-in", "cookie")]].concat();
            let place = cookie().place(&request(&with_wish));
            assert_eq!(place.is_ok(), allowed, "{headers:?}");
            let login = cookie().place_of_login(&request(headers));
            assert_eq!(login.is_ok(), allowed, "{headers:?}");
            let off = RefreshCookie::new("https://auth.example.com", &Origins::default(), None);
            assert!(off.place_of_login(&request(headers)).is_ok());
        }
    }
}
