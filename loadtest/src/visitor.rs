//! What a virtual user can do: the steps that scenarios are made of.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use goose::goose::{GooseRequest, GooseUser};
use rand::Rng as _;
use serde_json::{Value, json};

use crate::ledger::{Outcome, Seen};
use crate::player::{Account, Player, Tokens};
use crate::routes::Route;

/// How long is waited after a refusal that does not say.
const PATIENCE: Duration = Duration::from_secs(1);

/// A virtual user during one of its steps.
pub struct Visitor<'a> {
    user: &'a mut GooseUser,
    /// Who it is.
    pub player: Player,
}

/// What is sent.
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

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The body, where it is JSON.
    pub json: Value,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// What the lab makes of it.
    pub outcome: Outcome,
}

impl<'a> Visitor<'a> {
    /// The user as this player.
    pub(crate) fn new(user: &'a mut GooseUser, player: Player) -> Self {
        Self { user, player }
    }

    /// Gives the player back.
    pub(crate) fn leave(self) -> (&'a mut GooseUser, Player) {
        (self.user, self.player)
    }

    /// Whether the time is up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.player.shared.deadline()
    }

    /// Waits, but not beyond the end of the run.
    pub async fn wait(&self, time: Duration) {
        let until = (Instant::now() + time).min(self.player.shared.deadline());
        tokio::time::sleep_until(until.into()).await;
    }

    /// One of so many, by chance.
    pub fn one_in(&mut self, count: u32) -> bool {
        self.player.chance.random_range(0..count) == 0
    }

    /// Sends a request, and notes what came of it.
    pub async fn call(&mut self, call: Call<'_>) -> Answer {
        let mut answer = Answer {
            status: None,
            json: Value::Null,
            retry_after: None,
            outcome: Outcome::Failure,
        };
        let Ok(mut builder) = self
            .user
            .get_request_builder(&call.route.method(), &call.path)
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
        if let Some(source) = &self.player.source {
            builder = builder.header("X-Forwarded-For", source);
        }
        let request = GooseRequest::builder()
            .method(call.route.method())
            .path(&*call.path)
            .name(call.route.template())
            .expect_status_code(call.expected)
            .set_request_builder(builder)
            .build();
        let started = Instant::now();
        if let Ok(response) = self.user.request(request).await
            && let Ok(response) = response.response
        {
            let status = response.status().as_u16();
            let wait = response.headers().get("retry-after");
            answer.retry_after = wait
                .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
                .map(Duration::from_secs);
            // An answer counts when all of it is there.
            if let Ok(body) = response.bytes().await {
                answer.status = Some(status);
                answer.json = serde_json::from_slice(&body).unwrap_or_default();
                answer.outcome = Outcome::of(status, call.expected, answer.retry_after.is_some());
            }
        }
        self.player.shared.ledger.note(&Seen {
            route: call.route,
            status: answer.status,
            outcome: answer.outcome,
            time: started.elapsed(),
            pace: self.player.pace,
            code: answer.json["code"]
                .as_str()
                .or(answer.json["error"].as_str()),
        });
        answer
    }

    /// Registers a new account; gives it when that worked.
    pub async fn register(&mut self) -> Option<Account> {
        let account = self.player.make_up();
        let body = json!({
            "username": account.username, "email": account.email(), "password": account.password
        });
        let call = Call::new(Route::Register, 201).body(Body::Json(body));
        let answer = self.call(call).await;
        self.rest(&answer).await;
        (answer.outcome == Outcome::Success).then_some(account)
    }

    /// Logs in; gives whether that worked.
    pub async fn login(&mut self, account: &Account) -> bool {
        let form = [
            ("username", &*account.username),
            ("password", &*account.password),
        ];
        let answer = self
            .call(Call::new(Route::Login, 200).body(Body::Form(&form)))
            .await;
        self.rest(&answer).await;
        self.keep(&answer)
    }

    /// Logs in with the own account again.
    pub async fn login_again(&mut self) {
        if let Some(account) = self.player.account.clone() {
            self.login(&account).await;
        }
    }

    /// Registers and logs in, as often as it takes.
    pub async fn arrive(&mut self) {
        while self.player.account.is_none() && !self.is_over() {
            self.player.account = self.register().await;
        }
        while self.player.tokens.is_none() && !self.is_over() {
            self.login_again().await;
        }
    }

    /// Logs in as this account, as often as it takes.
    pub async fn arrive_as(&mut self, account: Account) {
        self.player.account = Some(account);
        self.arrive().await;
    }

    /// Gets the next tokens; gives whether that worked.
    pub async fn refresh(&mut self) -> bool {
        let Some(tokens) = self.player.tokens.clone() else {
            return false;
        };
        let answer = self.refresh_with(&tokens.refresh).await;
        self.keep(&answer)
    }

    /// Sends this refresh token.
    pub async fn refresh_with(&mut self, token: &str) -> Answer {
        let body = Body::Json(json!({ "refresh_token": token }));
        self.call(Call::new(Route::Refresh, 200).body(body)).await
    }

    /// Asks for the own account.
    pub async fn me(&mut self) {
        self.get(Route::Me, 200, "").await;
    }

    /// Asks for what only administrators may see; it should be answered with this status.
    pub async fn admin_only(&mut self, expected: u16) {
        self.get(Route::AdminOnly, expected, "").await;
    }

    /// Asks for this page of accounts.
    pub async fn list_users(&mut self, query: &str) -> Value {
        self.get(Route::ListUsers, 200, query).await
    }

    async fn get(&mut self, route: Route, expected: u16, query: &str) -> Value {
        if self.player.tokens.as_ref().is_some_and(Tokens::is_stale) {
            self.refresh().await;
        }
        let Some(tokens) = self.player.tokens.clone() else {
            return Value::Null;
        };
        let mut call = Call::new(route, expected).token(&tokens.access);
        if !query.is_empty() {
            call = call.query(query);
        }
        let answer = self.call(call).await;
        self.rest(&answer).await;
        answer.json
    }

    /// Leaves the server alone for as long as it asks.
    async fn rest(&self, answer: &Answer) {
        if answer.outcome == Outcome::Refused {
            self.wait(answer.retry_after.unwrap_or(PATIENCE)).await;
        }
    }

    /// Keeps the tokens of an answer; gives whether there were any.
    pub fn keep(&mut self, answer: &Answer) -> bool {
        let tokens = tokens(answer);
        let kept = tokens.is_some();
        if kept {
            self.player.tokens = tokens;
        }
        kept
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
