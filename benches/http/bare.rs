//! Baseline for the framework: one poem-openapi endpoint that verifies an HS256
//! bearer token on every request and answers with the object that `/users/me` answers with, and a second one
//! that takes a question and compares two texts.
//! Nothing else: no metrics, no request ids, no sessions, no error bodies.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp,
};
use poem::http::uri::Scheme;
use poem::listener::{Acceptor, TcpAcceptor};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{EndpointExt as _, Request, Route, Server};
use poem_openapi::auth::Bearer;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi, OpenApiService, SecurityScheme};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::common::Result;

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    aud: String,
    iss: String,
    exp: u64,
}

struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

/// A caller with a token.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", checker = "verify")]
struct Caller(Claims);

async fn verify(request: &Request, bearer: Bearer) -> Option<Claims> {
    let verifier = request.data::<Arc<Verifier>>()?;
    decode(&bearer.token, &verifier.key, &verifier.validation)
        .ok()
        .map(|token| token.claims)
}

/// An account, as the service shows one.
#[derive(Object)]
struct Account {
    id: Uuid,
    username: String,
    email: String,
    roles: Vec<String>,
    disabled: bool,
    created_at: chrono::DateTime<chrono::Utc>,
    updated_at: chrono::DateTime<chrono::Utc>,
    #[oai(skip_serializing_if_is_none)]
    last_login_at: Option<chrono::DateTime<chrono::Utc>>,
}

struct Api;

#[OpenApi]
impl Api {
    #[oai(path = "/users/me", method = "get", operation_id = "readMe")]
    async fn read(&self, caller: Caller) -> Json<Account> {
        let at = chrono::DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap_or_default();
        Json(Account {
            id: caller.0.sub,
            username: "user-10".to_owned(),
            email: "user-10@example.com".to_owned(),
            roles: vec!["user".to_owned()],
            disabled: false,
            created_at: at,
            updated_at: at,
            last_login_at: Some(at),
        })
    }

    #[oai(
        path = "/access/v1/evaluation",
        method = "post",
        operation_id = "evaluate"
    )]
    async fn evaluate(&self, caller: Caller, body: Json<Evaluation>) -> Json<Decision> {
        let Evaluation {
            subject,
            action,
            resource,
        } = body.0;
        let owner = resource
            .properties
            .and_then(|all| all.get("owner").cloned());
        let own = owner.is_some_and(|owner| owner == subject.id.as_str());
        let asked = [subject.kind, resource.kind, resource.id, action.name];
        let whole = asked.iter().all(|text| !text.is_empty()) && !caller.0.sub.is_nil();
        Json(Decision {
            decision: own && whole,
        })
    }
}

/// A question, as decision points are asked.
#[derive(Object)]
struct Evaluation {
    subject: Entity,
    action: Action,
    resource: Entity,
}

#[derive(Object)]
struct Entity {
    #[oai(rename = "type")]
    kind: String,
    id: String,
    properties: Option<serde_json::Value>,
}

#[derive(Object)]
struct Action {
    name: String,
}

#[derive(Object)]
struct Decision {
    decision: bool,
}

/// Runs until killed. Prints a token that it takes.
pub fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run())
}

async fn run() -> Result<()> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["rbac-sentinel"]);
    validation.set_issuer(&["http://127.0.0.1:8000"]);
    let verifier = Arc::new(Verifier {
        key: DecodingKey::from_secret(KEY),
        validation,
    });
    let claims = Claims {
        sub: Uuid::now_v7(),
        aud: "rbac-sentinel".to_owned(),
        iss: "http://127.0.0.1:8000".to_owned(),
        exp: get_current_timestamp() + 3600,
    };
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(KEY))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{token}");
    announce(&listener)?;
    let service = OpenApiService::new(Api, "bare", "1");
    let endpoint = Route::new().nest("/", service).data(verifier);
    // With graceful shutdown, as in the service: waiting for the signal is part of a connection's cost.
    Server::new_with_acceptor(NoDelay(TcpAcceptor::from_tokio(listener)?))
        .run_with_graceful_shutdown(
            endpoint,
            std::future::pending(),
            Some(Duration::from_secs(1)),
        )
        .await?;
    Ok(())
}

/// Writes the address on which it listens, as the service does.
fn announce(listener: &TcpListener) -> Result<()> {
    let address = listener.local_addr()?.to_string();
    let text = json!({ "api": address, "ops": address, "pid": std::process::id() });
    let file = std::env::var("READY_FILE")?;
    let temporary = format!("{file}.tmp");
    std::fs::write(&temporary, text.to_string())?;
    Ok(std::fs::rename(temporary, file)?)
}

/// Sets TCP_NODELAY, as the service does.
struct NoDelay(TcpAcceptor);

impl Acceptor for NoDelay {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, LocalAddr, RemoteAddr, Scheme)> {
        let accepted = self.0.accept().await?;
        accepted.0.set_nodelay(true)?;
        Ok(accepted)
    }
}
