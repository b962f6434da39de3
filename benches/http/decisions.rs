//! `POST /access/v1/evaluation` at saturation against a bare endpoint with the same body, lists of questions
//! against single ones, and what a shadow policy costs.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::Result;
use crate::common::client::{Connection, Wire, login, runtime};
use crate::load::{Until, load};
use crate::saturation::{Contestant, paired};
use crate::server::{Server, folder};

const PASSWORD: &str = "violet-harbour-31";
/// The questions of a list: as many as one takes.
const LIST: usize = 100;
/// The policy: the administrator may write what is theirs, and read all.
const POLICY: &str = "\
permissions: {posts:read: '', posts:write: ''}
roles:
  author:
    grants: [posts:read, posts:write if resource.properties.owner == subject.id]
  editor: {parents: [author]}
";

/// A request with a bearer token, and with JSON unless the body is empty.
fn send(method: &str, path: &str, token: &str, body: &str) -> Wire {
    let length = body.len();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{kind}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    text.into_bytes().into()
}

/// A service with the policy, and a token of somebody who may ask and has the role `editor`.
fn service(folder: &Path, shadow: bool) -> Result<(Server, String, String)> {
    let file = folder.join("policy.yaml");
    std::fs::write(&file, POLICY)?;
    let mut env = vec![("ADMIN_PASSWORD", PASSWORD.to_owned())];
    if shadow {
        env.push(("SHADOW_POLICY", file.display().to_string()));
    }
    let server = Server::service(folder, &env)?;
    let (token, id) = runtime().block_on(async {
        let mut connection = Connection::open(server.api).await?;
        let answer = connection.exchange(&login("admin", PASSWORD)).await?;
        let json: Value = serde_json::from_slice(answer.body)?;
        let token = json["access_token"].as_str().ok_or("the login was refused")?;
        let token = token.to_owned();
        let mut id = String::new();
        for (method, path, body) in [
            ("GET", "/users/me", ""),
            ("PUT", "/admin/permissions/posts:read", "{}"),
            ("PUT", "/admin/permissions/posts:write", "{}"),
            (
                "PUT",
                "/admin/roles/author",
                r#"{"grants":[{"permission":"posts:read"},{"permission":"posts:write","condition":"resource.properties.owner == subject.id"}]}"#,
            ),
            ("PUT", "/admin/roles/editor", r#"{"parents":["author"]}"#),
            ("PUT", "/admin/users/ID/roles/editor", ""),
        ] {
            let request = send(method, &path.replace("ID", &id), &token, body);
            let answer = connection.exchange(&request).await?;
            if !(200..300).contains(&answer.status) {
                return Err(format!("{method} {path} was answered {}", answer.status).into());
            }
            if path == "/users/me" {
                let me: Value = serde_json::from_slice(answer.body)?;
                id = me["id"].as_str().unwrap_or_default().to_owned();
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((token, id))
    })?;
    Ok((server, token, id))
}

fn question(id: &str, owner: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": id },
        "action": { "name": "write" },
        "resource": { "type": "posts", "id": "7", "properties": { "owner": owner } },
    })
}

fn one(token: &str, id: &str) -> Wire {
    let body = question(id, id).to_string();
    send("POST", "/access/v1/evaluation", token, &body)
}

fn list(token: &str, id: &str) -> Wire {
    let items: Vec<Value> = (0..LIST)
        .map(|at| question(id, if at % 2 == 0 { id } else { "bob" }))
        .collect();
    let body = json!({ "evaluations": items }).to_string();
    send("POST", "/access/v1/evaluations", token, &body)
}

/// Measures and prints.
pub fn measure(rounds: usize, round: Duration, connections: usize) -> Result<Value> {
    let folders = [folder()?, folder()?, folder()?, folder()?];
    let [bare_in, one_in, list_in, shadow_in] = folders.each_ref().map(|folder| folder.path());
    let (bare, token) = Server::bare(bare_in)?;
    let bare_requests = vec![one(&token, "alice"); connections];
    let mut contestants = vec![Contestant::new(0, "bare", bare, bare_requests)];
    let (server, token, id) = service(one_in, false)?;
    let requests = vec![one(&token, &id); connections];
    contestants.push(Contestant::new(1, "one", server, requests));
    let (server, token, id) = service(list_in, false)?;
    let requests = vec![list(&token, &id); connections];
    contestants.push(Contestant::new(2, "list of 100", server, requests));
    let (server, token, id) = service(shadow_in, true)?;
    let requests = vec![one(&token, &id); connections];
    contestants.push(Contestant::new(3, "with shadow", server, requests));
    println!(
        "decisions at saturation, {connections} connections, {rounds} rounds of {} s each in turn, medians",
        round.as_secs()
    );
    for contestant in &contestants {
        load(
            contestant.server.api,
            &contestant.requests,
            Until::Elapsed(Duration::from_secs(1)),
        );
    }
    for _ in 0..rounds {
        contestants.rotate_left(1);
        for contestant in &mut contestants {
            contestant.round(round);
        }
    }
    contestants.sort_by_key(|contestant| contestant.place);
    let to_bare = paired(&contestants[1], &contestants[0]);
    let of_shadow = 1.0 - paired(&contestants[3], &contestants[1]);
    let (costs, figures): (Vec<_>, Vec<_>) =
        contestants.into_iter().map(Contestant::report).unzip();
    let of_list = costs[2] / costs[1];
    println!("  one / bare {:.1} % of the throughput", to_bare * 100.0);
    println!("  a list of {LIST} takes {of_list:.1} times the processor time of a single question");
    println!(
        "  a shadow policy takes {:.1} % of the throughput, {:+.1} µs a decision",
        of_shadow * 100.0,
        costs[3] - costs[1]
    );
    Ok(json!({
        "connections": connections,
        "contestants": figures,
        "one_to_bare": to_bare,
        "list_to_one": of_list,
        "shadow_share": of_shadow,
    }))
}
