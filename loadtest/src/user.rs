//! Steps of a virtual user, from which scenarios are built.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goose::goose::{GooseRequest, GooseUser};
use serde_json::{Value, json};

use crate::outcome::{Outcome, cause};
use crate::recorder::Sample;
use crate::routes::Route;
use crate::state::{Account, Tokens, UserState};

/// Wait after a refusal without a time in Retry-After.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Wait after a request without an answer; twice as long after the next.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest of these waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A virtual user during one of its steps.
pub struct User<'a> {
    goose_user: &'a mut GooseUser,
    /// Its own state.
    pub state: UserState,
}

/// Body of a request.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A form.
    Form(&'a [(&'a str, &'a str)]),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    route: Route,
    path: Cow<'a, str>,
    body: Body<'a>,
    token: Option<&'a str>,
    expected: u16,
}

impl<'a> Call<'a> {
    /// A request to this operation that should be answered with this status.
    #[must_use]
    pub fn new(route: Route, expected: u16) -> Self {
        Self {
            route,
            path: Cow::Borrowed(route.template()),
            body: Body::None,
            token: None,
            expected,
        }
    }

    /// With this query behind the path.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.path = Cow::Owned(format!("{}?{query}", self.route.template()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: Body<'a>) -> Self {
        self.body = body;
        self
    }

    /// As the holder of this access token.
    #[must_use]
    pub const fn token(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }
}

/// A request that a scenario describes.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation.
    pub route: Route,
    /// The query behind its path.
    pub query: String,
    /// Its body.
    pub json: Option<Value>,
    /// The expected status.
    pub expected: u16,
}

impl Request {
    /// The same from this cursor on.
    #[must_use]
    pub fn after(&self, cursor: &str) -> Self {
        let mut next = self.clone();
        if !next.query.is_empty() {
            next.query.push('&');
        }
        next.query.push_str("cursor=");
        next.query.push_str(cursor);
        next
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The body, where it is JSON.
    pub json: Value,
    /// Time from Retry-After.
    pub retry_after: Option<Duration>,
    /// The outcome.
    pub outcome: Outcome,
}

impl<'a> User<'a> {
    /// Goose's user with this state.
    pub(crate) fn new(goose_user: &'a mut GooseUser, state: UserState) -> Self {
        Self { goose_user, state }
    }

    /// Both parts.
    pub(crate) fn into_parts(self) -> (&'a mut GooseUser, UserState) {
        (self.goose_user, self.state)
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.shared.is_over()
    }

    /// Waits, but not beyond the end of the run.
    pub async fn wait(&self, time: Duration) {
        let until = (Instant::now() + time).min(self.state.shared.deadline());
        let stop = &self.state.shared.stop;
        stop.unless(tokio::time::sleep_until(until.into())).await;
    }

    /// Sends a request and records it.
    pub async fn call(&mut self, call: Call<'_>) -> Answer {
        let mut answer = Answer {
            status: None,
            json: Value::Null,
            retry_after: None,
            outcome: Outcome::Failure,
        };
        let url = format!("{}{}", self.state.shared.base, call.path);
        let Ok(mut builder) = self
            .goose_user
            .get_request_builder(&call.route.method(), &url)
        else {
            return answer;
        };
        builder = match &call.body {
            Body::None => builder,
            Body::Json(json) => builder.json(json),
            Body::Form(pairs) => builder.form(pairs),
        };
        if let Some(token) = call.token {
            builder = builder.bearer_auth(token);
        }
        if let Some(source) = &self.state.source {
            builder = builder.header("X-Forwarded-For", source);
        }
        let request = GooseRequest::builder()
            .method(call.route.method())
            .path(&*call.path)
            .name(call.route.template())
            .expect_status_code(call.expected)
            .set_request_builder(builder)
            .build();
        let due = self.state.due.take();
        let shared = Arc::clone(&self.state.shared);
        let started = Instant::now();
        let steady = shared.is_steady(started);
        shared.recorder.sent();
        let seen = match self.goose_user.request(request).await {
            Ok(response) => read(response.response, call.expected, &mut answer).await,
            Err(error) => Seen::because(error.to_string()),
        };
        shared.recorder.record(&Sample {
            route: call.route,
            status: answer.status,
            outcome: answer.outcome,
            time: started.elapsed(),
            steady,
            pace: self.state.pace,
            since_due: due.map(|due| due.elapsed()),
            word: seen.word.as_deref(),
            request_id: seen.request_id.as_deref(),
        });
        self.state.unanswered = match answer.status {
            Some(_) => 0,
            None => self.state.unanswered + 1,
        };
        if self.state.unanswered > 0 {
            let doubled = FIRST_PAUSE * 2_u32.saturating_pow(self.state.unanswered - 1);
            self.wait(doubled.min(LONGEST_PAUSE)).await;
        }
        answer
    }

    /// Registers a new account; returns it on success.
    pub async fn register(&mut self) -> Option<Account> {
        let account = self.state.new_account();
        let body = json!({
            "username": account.username, "email": account.email(), "password": account.password
        });
        let call = Call::new(Route::Register, 201).body(Body::Json(body));
        let answer = self.call(call).await;
        self.back_off(&answer).await;
        (answer.outcome == Outcome::Success).then_some(account)
    }

    /// Logs in; returns whether that succeeded.
    pub async fn login(&mut self, account: &Account) -> bool {
        let form = [
            ("username", &*account.username),
            ("password", &*account.password),
        ];
        let answer = self
            .call(Call::new(Route::Login, 200).body(Body::Form(&form)))
            .await;
        self.back_off(&answer).await;
        self.store_tokens(&answer)
    }

    /// Logs in with the own account again.
    pub async fn login_again(&mut self) {
        if let Some(account) = self.state.account.clone() {
            self.login(&account).await;
        }
    }

    /// Registers and logs in, with retries.
    pub async fn register_and_login(&mut self) {
        while self.state.account.is_none() && !self.is_over() {
            self.state.account = self.register().await;
        }
        while self.state.tokens.is_none() && !self.is_over() {
            self.login_again().await;
        }
    }

    /// Logs in as this account, with retries.
    pub async fn login_as(&mut self, account: Account) {
        self.state.account = Some(account);
        self.register_and_login().await;
    }

    /// Refreshes the session; returns whether that succeeded.
    pub async fn refresh(&mut self) -> bool {
        let Some(tokens) = self.state.tokens.clone() else {
            return false;
        };
        let answer = self.refresh_with(&tokens.refresh).await;
        self.store_tokens(&answer)
    }

    /// Sends this refresh token.
    pub async fn refresh_with(&mut self, token: &str) -> Answer {
        let body = Body::Json(json!({ "refresh_token": token }));
        self.call(Call::new(Route::Refresh, 200).body(body)).await
    }

    /// Forgets account and session, as somebody who does not come back.
    pub fn leave(&mut self) {
        self.state.account = None;
        self.state.tokens = None;
    }

    /// Reads the own account.
    pub async fn me(&mut self) {
        let request = Request {
            route: Route::Me,
            query: String::new(),
            json: None,
            expected: 200,
        };
        self.request(&request).await;
    }

    /// Sends a request as the holder of the own session, which it renews if it must; returns the answer.
    pub async fn request(&mut self, request: &Request) -> Value {
        if self.state.tokens.as_ref().is_some_and(Tokens::is_stale) {
            self.refresh().await;
        }
        let Some(tokens) = self.state.tokens.clone() else {
            return Value::Null;
        };
        let mut call = Call::new(request.route, request.expected).token(&tokens.access);
        if !request.query.is_empty() {
            call = call.query(&request.query);
        }
        if let Some(json) = &request.json {
            call = call.body(Body::Json(json.clone()));
        }
        let answer = self.call(call).await;
        self.back_off(&answer).await;
        answer.json
    }

    /// Waits after a refusal, as long as the server asks.
    async fn back_off(&mut self, answer: &Answer) {
        if answer.outcome == Outcome::Refused {
            let since = Instant::now();
            self.wait(answer.retry_after.unwrap_or(DEFAULT_RETRY_AFTER))
                .await;
            self.state.told += since.elapsed();
        }
    }

    /// Stores the tokens of an answer; returns whether there were any.
    pub fn store_tokens(&mut self, answer: &Answer) -> bool {
        let tokens = tokens(answer);
        let kept = tokens.is_some();
        if kept {
            self.state.tokens = tokens;
        }
        kept
    }
}

/// What an answer says about a failure.
#[derive(Debug, Default)]
struct Seen {
    /// The problem's type, or why there was no answer.
    word: Option<String>,
    /// The request's id in the server's log.
    request_id: Option<String>,
}

impl Seen {
    fn because(word: String) -> Self {
        Self {
            word: Some(word),
            request_id: None,
        }
    }
}

/// Reads an answer to its end: it counts once it is complete.
async fn read(
    response: Result<reqwest::Response, reqwest::Error>,
    expected: u16,
    answer: &mut Answer,
) -> Seen {
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            answer.outcome = Outcome::of_error(&error);
            return Seen::because(cause(&error));
        }
    };
    let status = response.status().as_u16();
    let header = |name| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let request_id = header("x-request-id");
    let wait = header("retry-after").and_then(|seconds| seconds.parse().ok());
    answer.retry_after = wait.map(Duration::from_secs);
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Seen::because(cause(&error)),
    };
    answer.status = Some(status);
    answer.json = serde_json::from_slice(&body).unwrap_or_default();
    answer.outcome = Outcome::of(status, expected, answer.retry_after.is_some());
    // The last part of a problem's type is its name; OAuth endpoints have a code instead.
    let kind = answer.json["type"].as_str();
    let kind = kind.and_then(|kind| kind.rsplit('/').next());
    Seen {
        word: kind.or(answer.json["error"].as_str()).map(str::to_owned),
        request_id,
    }
}

/// The tokens of an answer.
#[must_use]
pub fn tokens(answer: &Answer) -> Option<Tokens> {
    let text = |name: &str| answer.json[name].as_str().map(str::to_owned);
    let lifetime = Duration::from_secs(answer.json["expires_in"].as_u64()?);
    Some(Tokens::new(
        text("access_token")?,
        text("refresh_token")?,
        lifetime,
    ))
}
