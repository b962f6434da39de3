//! The recipes of `docs/authorization.md` work as they are printed.

use std::process::Command;

use serde_json::json;

use super::Policy;
use crate::harness::{ADMIN_PASSWORD, Client, Server};

const PUBLISHED: &str = include_str!("../../../../docs/authorization.md");

/// The first block of the document in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PUBLISHED
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    rest.split_once("```").expect("its end").0
}

/// A server, the administrator, and the id of an account that may read orders of its own.
async fn orders() -> (Server, Client, String) {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = server.user("alice").await.id().await;
    let policy = Policy { admin: &admin };
    policy.permissions(&["orders:read"]).await;
    let own = Some("resource.properties.customer == subject.id");
    policy.role("customer", &[], &[("orders:read", own)]).await;
    policy.give(&alice, "customer", "").await;
    (server, admin, alice)
}

/// What a program prints.
#[track_caller]
fn printed(program: &mut Command) -> String {
    let output = program.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
#[ignore = "needs curl: scripts/test"]
async fn curl_session_works_as_printed() {
    let server = Server::start().await;
    let alice = server.user("alice").await.id().await;
    let mut shell = Command::new("bash");
    shell
        .args(["-euc", block("sh")])
        .env("API", &server.api)
        .env("ADMIN_PASSWORD", ADMIN_PASSWORD)
        .env("ALICE", alice);
    let said = printed(&mut shell);
    assert!(said.ends_with(r#"{"decision":true}"#), "{said}");
}

#[tokio::test]
#[ignore = "needs Python: scripts/test"]
async fn python_function_allows_and_denies() {
    let (server, admin, alice) = orders().await;
    let questions = "\nimport sys\napi, token, alice = sys.argv[1:]\n\
         order = ('orders', '7')\n\
         print(allowed(api, token, alice, 'read', order, customer=alice))\n\
         print(allowed(api, token, alice, 'read', order, customer='bob'))\n\
         print(allowed(api, 'forged', alice, 'read', order, customer=alice))\n\
         print(allowed('http://127.0.0.1:1', token, alice, 'read', order, customer=alice))\n";
    let program = format!("{}{questions}", block("python"));
    let token = admin.access.expect("logged in");
    let mut python = Command::new("python3");
    python.args(["-c", &program, &server.api, &token, &alice]);
    assert_eq!(printed(&mut python), "True\nFalse\nFalse\nFalse\n");
    let compiled = format!("compile({}, 'fastapi', 'exec')", json!(block("py")));
    printed(Command::new("python3").args(["-c", &compiled]));
}

#[tokio::test]
#[ignore = "needs Node: scripts/test"]
async fn node_function_and_middleware_allow_and_deny() {
    let (server, admin, alice) = orders().await;
    let folder = server.path();
    std::fs::write(folder.join("authz.mjs"), block("js")).expect("written");
    let questions = r#"
import { createServer } from "node:http";
import { allowed, can } from "./authz.mjs";
const [api, token, alice] = process.argv.slice(2);
const order = (customer) => ({ type: "orders", id: "7", properties: { customer } });
const said = [];
said.push(await allowed(api, token, alice, "read", order(alice)));
said.push(await allowed(api, token, alice, "read", order("bob")));
said.push(await allowed(api, "forged", alice, "read", order(alice)));
said.push(await allowed("http://127.0.0.1:1", token, alice, "read", order(alice)));
const server = createServer((request, response) => {
  Object.assign(request, { params: { id: "7" }, account: alice });
  can(api, token, "read", "orders")(request, response, () => response.end("in"));
}).listen(0, "127.0.0.1", async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
  said.push(answer.status);
  console.log(JSON.stringify(said));
  process.exit(0);
});
"#;
    std::fs::write(folder.join("ask.mjs"), questions).expect("written");
    let token = admin.access.expect("logged in");
    let mut node = Command::new("node");
    node.arg(folder.join("ask.mjs"))
        .args([&server.api, &token, &alice]);
    assert_eq!(printed(&mut node).trim(), "[true,false,false,false,403]");
}
