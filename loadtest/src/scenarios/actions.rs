//! What users do, as scenarios write it: actions with `;` between them.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use rand::Rng as _;
use serde_json::Value;

use super::{login_storm, refresh_storm, stuffing};
use crate::routes::Route;
use crate::user::{Request, User};

/// The work of an action.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// An action in code.
type Code = for<'a, 'u> fn(&'a mut User<'u>) -> Work<'a>;

/// An action from an `async fn`.
macro_rules! code {
    ($function:path) => {
        |user| Box::pin($function(user))
    };
}

/// The actions that requests alone do not make.
const IN_CODE: &[(&str, Code)] = &[
    (
        "try to log in to a prepared account",
        code!(login_storm::login),
    ),
    (
        "open a session that two of three users share",
        code!(refresh_storm::open),
    ),
    (
        refresh_storm::WITH_ALL_OTHERS,
        code!(refresh_storm::refresh),
    ),
    ("guess a password", code!(stuffing::guess)),
    ("take an address", code!(stuffing::take_address)),
];

/// The other actions.
const WORDS: &[(&str, Action)] = &[
    ("arrive", Action::Arrive),
    ("leave", Action::Leave),
    ("log in", Action::LogIn),
    ("log in as administrator", Action::LogInAsAdministrator),
    ("register", Action::Register),
    ("refresh", Action::Refresh),
    ("next page", Action::NextPage),
];

/// One thing that a user does.
#[derive(Clone)]
enum Action {
    /// Registers and logs in, until both have succeeded.
    Arrive,
    /// Forgets account and session.
    Leave,
    /// Logs in with the own account again.
    LogIn,
    LogInAsAdministrator,
    /// Registers one more account.
    Register,
    Refresh,
    /// Sends the last request again, with the cursor of its answer.
    NextPage,
    /// Waits, in seconds.
    Pause(f64, f64),
    Request(Request),
    Code(&'static str, Code),
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause(least, most) => write!(f, "pause {least}..{most}"),
            Self::Request(request) => write!(f, "{request:?}"),
            Self::Code(name, _) => f.write_str(name),
            _ => f.write_str("an action"),
        }
    }
}

/// Actions, one after another.
#[derive(Clone, Debug, Default)]
pub struct Step {
    text: String,
    actions: Vec<Action>,
}

impl Step {
    /// Reads actions with `;` between them.
    ///
    /// # Errors
    /// Names what is no action, and says what would be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let actions = text.split(';').map(str::trim);
        let actions = actions.filter(|action| !action.is_empty()).map(action);
        Ok(Self {
            text: text.trim().to_owned(),
            actions: actions.collect::<Result<_, _>>()?,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether users take it at moments of their own.
    #[must_use]
    pub fn keeps_time(&self) -> bool {
        let mut actions = self.actions.iter();
        actions.any(|action| matches!(action, Action::Code(refresh_storm::WITH_ALL_OTHERS, _)))
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Does them.
    pub async fn take(&self, user: &mut User<'_>) {
        let mut previous = (None, Value::Null);
        for action in &self.actions {
            if user.is_over() {
                return;
            }
            match action {
                Action::Arrive => user.register_and_login().await,
                Action::Leave => user.leave(),
                Action::LogIn => user.login_again().await,
                Action::LogInAsAdministrator => {
                    let admin = user.state.shared.admin.clone();
                    user.login_as(admin).await;
                }
                Action::Register => drop(user.register().await),
                Action::Refresh => drop(user.refresh().await),
                Action::NextPage => {
                    if let (Some(request), Some(cursor)) =
                        (previous.0, previous.1["next_cursor"].as_str())
                    {
                        let next: Request = Request::clone(request);
                        previous.1 = user.request(&next.after(cursor)).await;
                    }
                }
                Action::Pause(least, most) => {
                    let seconds = user.state.rng.random_range(*least..=*most);
                    user.wait(Duration::from_secs_f64(seconds)).await;
                }
                Action::Request(request) => previous = (Some(request), user.request(request).await),
                Action::Code(_, code) => code(user).await,
            }
        }
    }
}

fn action(text: &str) -> Result<Action, String> {
    if let Some((_, action)) = WORDS.iter().find(|(word, _)| *word == text) {
        return Ok(action.clone());
    }
    if let Some((name, code)) = IN_CODE.iter().find(|(word, _)| *word == text) {
        return Ok(Action::Code(name, *code));
    }
    if let Some(range) = text.strip_prefix("pause ") {
        let (least, most) = range_of_seconds(range)?;
        return Ok(Action::Pause(least, most));
    }
    request(text).map(Action::Request)
}

/// Reads `METHOD /path?query {json} = status`, of which query, JSON and status may be absent.
fn request(text: &str) -> Result<Request, String> {
    let (text, expected) = match text.rsplit_once('=') {
        Some((before, status)) if !status.contains(['&', '}', '"']) && before.ends_with(' ') => {
            let status = status.trim().parse().ok();
            let status = status.filter(|status| (100..600).contains(status));
            let status =
                status.ok_or_else(|| format!("`{text}`: behind = there must be a status"))?;
            (before.trim(), status)
        }
        _ => (text, 200),
    };
    let (target, json) = match text.split_once(" {") {
        Some((target, json)) => {
            let json = serde_json::from_str(&format!("{{{json}"));
            let json = json.map_err(|error| format!("`{text}`: its JSON is none: {error}"))?;
            (target, Some(json))
        }
        None => (text, None),
    };
    let (name, query) = target.split_once('?').unwrap_or((target, ""));
    let mut routes = Route::ALL.iter();
    let Some(route) = routes.find(|route| route.name() == name) else {
        let words = WORDS.iter().map(|(word, _)| (*word).to_owned());
        let words = words.chain(IN_CODE.iter().map(|(word, _)| (*word).to_owned()));
        let routes = Route::ALL.iter().map(|route| route.name());
        let all: Vec<_> = words
            .chain(["pause 1s..2s".to_owned()])
            .chain(routes)
            .collect();
        return Err(format!(
            "`{text}` is no action; these are: {}",
            all.join(", ")
        ));
    };
    Ok(Request {
        route: *route,
        query: query.to_owned(),
        json,
        expected,
    })
}

/// Reads a range of times, such as `200ms..1s`, or one time, in seconds.
pub fn range_of_seconds(text: &str) -> Result<(f64, f64), String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let seconds = |text: &str| humantime::parse_duration(text.trim()).ok();
    match (seconds(least), seconds(most)) {
        (Some(least), Some(most)) if !least.is_zero() && least <= most => {
            Ok((least.as_secs_f64(), most.as_secs_f64()))
        }
        _ => Err(format!(
            "`{text}` must be a time, or the shortest and the longest, as in 200ms..1s"
        )),
    }
}
