//! The endpoints of OAuth 2.0, read from the standards.

mod clients;
mod detached;
mod metadata;
mod revoke;
mod token;

use reqwest::Method;

use crate::harness::{Answer, Client, PASSWORD, Server};

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends this form there.
async fn post(client: &Client, path: &str, form: &str) -> Answer {
    let request = client.request(Method::POST, path);
    let request = request.header("content-type", FORM);
    Answer::of(request.body(form.to_owned())).await
}

/// The form of a login of this account.
fn login_of(name: &str) -> String {
    format!("grant_type=password&username={name}&password={PASSWORD}")
}

/// A new account, logged in at the token endpoint.
async fn user(server: &Server, name: &str) -> Client {
    assert_eq!(server.register(name).await.status, 201);
    let answer = post(&server.anon(), "/oauth/token", &login_of(name)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.anon().with(&answer.json)
}

/// The form of this client's refresh.
fn refresh_of(client: &Client) -> String {
    let token = client.refresh.as_deref().expect("logged in");
    format!("grant_type=refresh_token&refresh_token={token}")
}
