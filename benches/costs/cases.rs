//! The measured cases: every operation and page, every kind of caller, bodies of every kind.

use catalogue::endpoints;
use serde_json::{Value, json};
use testkit::service::seeded;
use uuid::Uuid;

use crate::common::Result;
use crate::document::{Body, Operation, limit_of_page, operations_of_the_document};
use crate::server::{PASSWORD, Server, Session};
use crate::wire::{OVERSIZED, encode, hostile, request, unused, with};

/// One kind of request.
pub struct Case {
    /// Such as `GET /users/me`.
    pub operation: String,
    pub caller: &'static str,
    /// Its distinction, for the table.
    pub what: String,
    /// The limits that bound it.
    pub limit: String,
    /// The requests, or a function that creates the wanted number.
    pub requests: Requests,
    /// On the operational listener.
    pub ops: bool,
}

/// The requests of a case.
pub enum Requests {
    /// Each time the same.
    Same(Vec<u8>),
    /// Created again for each number.
    Numbered(Box<dyn Fn(usize) -> Vec<u8>>),
    /// Each once.
    Once(Vec<Vec<u8>>),
}

/// The callers whose requests are not used up.
struct Callers {
    list: Vec<(&'static str, Option<String>)>,
    admin: String,
    user: String,
}

/// Everything that is measured.
pub fn all(server: &Server) -> Result<Vec<Case>> {
    let session = |name: &str| -> Result<String> {
        let session = server.sessions([name.to_owned()])?;
        Ok(session.first().ok_or("no session")?.access.clone())
    };
    let (user, admin) = (session("alice")?, session("admin")?);
    // Everything but the signature is right.
    let forged = user
        .rsplit_once('.')
        .map(|(signed, _)| format!("{signed}.{}", "A".repeat(86)));
    let callers = Callers {
        list: vec![
            ("stranger", None),
            ("stranger, forged token", forged),
            ("user", Some(user.clone())),
            ("administrator", Some(admin.clone())),
        ],
        admin,
        user,
    };
    let mut cases = Vec::new();
    for operation in operations_of_the_document()? {
        of_operation(&operation, &callers, &mut cases);
        special(&operation, &callers, server, &mut cases)?;
    }
    of_pages(&mut cases);
    of_nothing(&callers, &mut cases);
    Ok(cases)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The request with and without what its document requires, by every kind of caller. Its ids do not
/// exist.
fn of_operation(operation: &Operation, callers: &Callers, cases: &mut Vec<Case>) {
    for (caller, token) in &callers.list {
        // Tokens are ignored there.
        if token.is_some() && !operation.guarded {
            continue;
        }
        // They end the caller's session or account: measured with what may be used up.
        let ends = ["logout", "deleteMe", "changeMyPassword"].contains(&operation.id.as_str());
        if ends && ["user", "administrator"].contains(caller) {
            continue;
        }
        let (method, template) = (operation.method.clone(), operation.template.clone());
        let authorization = token.as_deref().map(bearer);
        let sends = move |media: Option<&str>, path: &str, body: &str| {
            let mut headers = Vec::new();
            headers.extend(
                authorization
                    .as_deref()
                    .map(|value| ("Authorization", value)),
            );
            headers.extend(media.map(|media| ("Content-Type", media)));
            request(&method, path, &headers, body)
        };
        let mut add = |what: &str, requests| {
            cases.push(Case {
                operation: format!("{} {}", operation.method, operation.template),
                caller,
                what: what.to_owned(),
                limit: operation.limit.clone(),
                requests,
                ops: false,
            });
        };
        let path = move || {
            let id = Uuid::now_v7().to_string();
            template.replace("{id}", &id).replace("{role}", "user")
        };
        let Some(body) = &operation.body else {
            add(
                "",
                Requests::Numbered(Box::new(move |_| sends(None, &path(), ""))),
            );
            continue;
        };
        for (what, text) in hostile(body) {
            let sent = sends(Some(&body.media), &path(), &text);
            add(what, Requests::Same(sent));
        }
        add(
            "foreign media type",
            Requests::Same(sends(Some("text/csv"), &path(), "a,b")),
        );
        let (media, example) = (body.media.clone(), body.example.clone());
        let numbered = move |index| {
            let fields = if media == "application/json" {
                encode(&media, &unused(&example, index))
            } else {
                encode(&media, &example)
            };
            sends(Some(&media), &path(), &fields)
        };
        add("as documented", Requests::Numbered(Box::new(numbered)));
    }
}

/// Requests beyond the document's examples: with existing ids, and with the worst values.
fn special(
    operation: &Operation,
    callers: &Callers,
    server: &Server,
    cases: &mut Vec<Case>,
) -> Result<()> {
    let spare = server.spare;
    let names = |first: usize| (first..first + spare).map(seeded);
    let title = format!("{} {}", operation.method, operation.template);
    let mut add = |caller, what: &str, requests| {
        cases.push(Case {
            operation: title.clone(),
            caller,
            what: what.to_owned(),
            limit: operation.limit.clone(),
            requests,
            ops: false,
        });
    };
    let send = |token: Option<&str>, path: &str, fields: Option<&Value>| {
        let authorization = token.map(bearer);
        let mut headers = Vec::new();
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("Authorization", value)),
        );
        let media = operation
            .body
            .as_ref()
            .map(|Body { media, .. }| media.as_str());
        headers.extend(media.map(|media| ("Content-Type", media)));
        let body = match (fields, media) {
            (Some(fields), Some(media)) => encode(media, fields),
            _ => String::new(),
        };
        request(&operation.method, path, &headers, &body)
    };
    let template = operation.template.as_str();
    let example = operation.body.as_ref().map(|body| &body.example);
    let once = |sessions: &[Session], make: &dyn Fn(&Session) -> Vec<u8>| {
        Requests::Once(sessions.iter().map(make).collect())
    };
    match operation.id.as_str() {
        "login" | "token" => {
            let example = example.ok_or("no example")?;
            for (what, name, value) in [
                ("wrong password", "password", "not-the-password"),
                ("unknown name", "username", "nobody-at-all"),
                ("unknown grant", "grant_type", "magic"),
                ("unknown scope", "scope", "everything at all"),
            ] {
                let sent = send(None, template, Some(&with(example, name, value)));
                add("stranger", what, Requests::Same(sent));
            }
            let sessions = server.sessions(names(spare + 1))?;
            let make = |session: &Session| {
                let token = &session.refresh;
                let fields = json!({ "grant_type": "refresh_token", "refresh_token": token });
                send(None, template, Some(&fields))
            };
            add("user", "living token", once(&sessions, &make));
        }
        "register" | "createUser" => {
            let example = example.ok_or("no example")?;
            let token = (operation.id == "createUser").then_some(callers.admin.as_str());
            let caller = if token.is_some() {
                "administrator"
            } else {
                "stranger"
            };
            let taken = unused(&with(example, "username", "alice"), 0);
            let taken = with(&taken, "username", "alice");
            add(
                caller,
                "taken name",
                Requests::Same(send(token, template, Some(&taken))),
            );
            if operation.id == "register" {
                // The longest that is estimated, of what takes long to estimate.
                let weak = "qwertyuiopasdfghjkl".repeat(7);
                let weak: String = weak.chars().take(128).collect();
                for (what, password) in
                    [("weak password", "password"), ("long weak password", &weak)]
                {
                    let fields = with(&unused(example, 1_000_000), "password", password);
                    add(
                        caller,
                        what,
                        Requests::Same(send(token, template, Some(&fields))),
                    );
                }
            }
        }
        "refresh" | "revoke" => {
            let name = if operation.id == "revoke" {
                "token"
            } else {
                "refresh_token"
            };
            let sessions = server.sessions(names(spare + 1))?;
            let make =
                |session: &Session| send(None, template, Some(&json!({ name: session.refresh })));
            add("user", "living token", once(&sessions, &make));
        }
        "listMySessions" => {
            let sessions = server.sessions(std::iter::repeat_n(seeded(4 * spare), 100))?;
            let newest = sessions.last().ok_or("no session")?;
            let sent = send(Some(&newest.access), template, None);
            add("user", "100 sessions", Requests::Same(sent));
        }
        "endMySession" => {
            let sessions = server.sessions(names(spare + 1))?;
            let make = |session: &Session| {
                let path = template.replace("{id}", &session.id());
                send(Some(&session.access), &path, None)
            };
            add("user", "its own", once(&sessions, &make));
        }
        "logout" => {
            for what in ["", "every session"] {
                let sessions = server.sessions(names(2 * spare + 1))?;
                let fields = json!({ "all": !what.is_empty() });
                let make = |session: &Session| send(Some(&session.access), template, Some(&fields));
                add("user", what, once(&sessions, &make));
            }
        }
        "deleteMe" => {
            let sessions = server.sessions(names(1))?;
            let make = |session: &Session| send(Some(&session.access), template, example);
            add("user", "", once(&sessions, &make));
            let sent = send(Some(&callers.admin), template, example);
            add("administrator", "the last one", Requests::Same(sent));
        }
        "changeMyPassword" => {
            let fields =
                json!({ "current_password": PASSWORD, "new_password": "qwerty".repeat(21) });
            let sent = send(Some(&callers.user), template, Some(&fields));
            add("user", "long weak password", Requests::Same(sent));
            let example = example.ok_or("no example")?;
            let wrong = with(example, "current_password", "not-the-password");
            let sessions = server.sessions(names(3 * spare + 1).take(spare.div_ceil(10)))?;
            // In this order: the last one changes the passwords.
            for (what, fields) in [("wrong password", &wrong), ("as documented", example)] {
                let make = |session: &Session| send(Some(&session.access), template, Some(fields));
                add("user", what, once(&sessions, &make));
            }
        }
        "listUsers" => {
            for (what, query) in [
                ("50 accounts", "?limit=50"),
                ("search", "?limit=50&search=seed"),
                ("search that finds nothing", "?search=zzzz"),
            ] {
                let sent = send(Some(&callers.admin), &format!("{template}{query}"), None);
                add("administrator", what, Requests::Same(sent));
            }
        }
        _ if template.contains("{id}") && template.starts_with("/admin/") => {
            let deletes = operation.id == "deleteUser";
            // Deleted objects are missing for the other cases.
            let ids = server.accounts.iter().skip(if deletes { spare } else { 0 });
            let requests = ids.take(spare).map(|id| {
                let path = template.replace("{id}", id).replace("{role}", "user");
                send(Some(&callers.admin), &path, example)
            });
            let requests: Vec<_> = requests.collect();
            add(
                "administrator",
                "existing account",
                Requests::Once(requests),
            );
        }
        _ => {}
    }
    Ok(())
}

fn of_pages(cases: &mut Vec<Case>) {
    for page in endpoints::PAGES {
        let ops = page.template == endpoints::METRICS.template;
        let path = page.template.replace("{code}", "not-found");
        for (what, headers) in [
            ("", &[][..]),
            ("gzip", &[("Accept-Encoding", "gzip")]),
            ("br", &[("Accept-Encoding", "gzip, br")]),
            ("not modified", &[("If-None-Match", "*")]),
        ] {
            cases.push(Case {
                operation: format!("GET {}", page.template),
                caller: if ops { "monitoring" } else { "stranger" },
                what: what.to_owned(),
                limit: limit_of_page(*page),
                requests: Requests::Same(request("GET", &path, headers, "")),
                ops,
            });
        }
    }
}

/// Requests that match no operation.
fn of_nothing(callers: &Callers, cases: &mut Vec<Case>) {
    let authorization = bearer(&"x".repeat(8 * 1024));
    let codings = "gzip;q=0.1,".repeat(700);
    for (what, method, path, headers) in [
        ("", "GET", "/nothing", &[][..]),
        ("unknown method", "BREW", "/users/me", &[]),
        (
            "a path of 4 KiB",
            "GET",
            &*format!("/{}", "a/".repeat(2048)),
            &[],
        ),
        (
            "a token of 8 KiB",
            "GET",
            "/users/me",
            &[("Authorization", &*authorization)],
        ),
        (
            "700 codings",
            "GET",
            "/docs",
            &[("Accept-Encoding", &*codings)],
        ),
    ] {
        cases.push(Case {
            operation: "unmatched and malformed".to_owned(),
            caller: callers
                .list
                .first()
                .map_or("stranger", |(caller, _)| *caller),
            what: what.to_owned(),
            limit: "general".to_owned(),
            requests: Requests::Same(request(method, path, headers, "")),
            ops: false,
        });
    }
    cases.push(Case {
        operation: "unmatched and malformed".to_owned(),
        caller: "stranger",
        what: "a body of 17 KiB to no path".to_owned(),
        limit: "general".to_owned(),
        requests: Requests::Same(request("POST", "/nothing", &[], &"x".repeat(OVERSIZED))),
        ops: false,
    });
}
