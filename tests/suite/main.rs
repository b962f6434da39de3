//! The tests: the real binary, on real ports, over real HTTP; each test starts a server of its own.
//!
//! | What | Where |
//! |:---|:---|
//! | registration | `api/register.rs`; its passwords: `api/register_passwords.rs` |
//! | login | `api/login.rs` |
//! | scopes | `api/scopes.rs`; over replicas: `flows/replicas.rs` |
//! | token endpoint, its clients, revocation of tokens, metadata | `api/oauth/` |
//! | refresh, rotation, reuse of a refresh token | `api/refresh.rs`, `api/refresh_replays.rs`; over replicas: `flows/refresh_on_replicas.rs`; the statements: `store/rotation.rs` |
//! | logout | `api/logout.rs` |
//! | list and end of sessions | `api/sessions.rs`; the statements: `store/sessions.rs` |
//! | one's own account, password change, deletion | `api/users_me.rs` |
//! | initial passwords | `api/initial_passwords.rs` |
//! | administration of accounts and roles, list and search | `api/admin_users/`; the statements: `store/searching.rs`, `store/roles.rs` |
//! | registered subjects and resources | `api/admin_entities.rs`; the statements: `store/entities.rs` |
//! | searches, what certification asks of them, that they agree with evaluations | `api/search/`; the statements: `store/holders.rs` |
//! | roles, permissions, exclusive roles, assignments, effective permissions | `api/roles/`; the statements: `store/policy.rs`; over replicas: `flows/policy_on_replicas.rs` |
//! | what nobody uses; the shadow policy | `api/roles/usage.rs`, `api/access/shadow.rs` |
//! | nobody reaches beyond their own permissions | `api/roles/escalation.rs` |
//! | access tokens, JWKS | `api/access_tokens.rs`; forged ones: `api/permissions/forged.rs`; algorithms: `operations/signing_algorithms.rs` |
//! | signing keys: rotation, revocation, secrets | `operations/key_rotation.rs`; the statements: `store/keys.rs` |
//! | permissions matrix | `api/permissions/mod.rs` |
//! | decisions for other services (AuthZEN), their certification scenario, explanations, recipes | `api/access/` |
//! | forward authentication | `api/access/forward.rs`; behind nginx and HAProxy: `api/access/proxies.rs` |
//! | OpenAPI document | `api/permissions/documentation.rs`; that it is current: `repository/generated_files.rs` |
//! | OpenAPI page in a browser | `api/pages.rs` |
//! | pages and documents: codings, `ETag`, `DOCS` | `api/documents.rs` |
//! | problem types and their pages | `api/problem_types.rs` |
//! | pages of other origins, cookies, attacks by pages | `browsers/`; in a browser: `browsers/pages.rs` |
//! | the service under a path, behind nginx | `browsers/under_a_path.rs` |
//! | security headers | `api/security_headers.rs` |
//! | error bodies, 400 404 405 413 415, unknown query parameters, all fields at fault at once | `api/errors/` |
//! | request ids, hosts | `api/errors/request_id.rs`, `api/errors/host.rs` |
//! | rate limits, 429, addresses behind proxies | `limits/`; the arithmetic: `cache/permits.rs` |
//! | hash gate, load shedding, 503 | `limits/hash_gate.rs`, `limits/hash_gate_metrics.rs` |
//! | renewal of outdated hashes | `flows/rehash.rs` |
//! | granting roles | `flows/giving_roles.rs` |
//! | last administrator | `flows/last_admin.rs`; the statements: `store/last_admin.rs` |
//! | revocation | `flows/revocation.rs`; over replicas: `flows/replicas.rs` |
//! | a Redis that lies | `flows/hostile_redis.rs`, `cache/distrusted.rs` |
//! | synthetic login probe | `flows/synthetic_login.rs` |
//! | statements, on each database | `store/`; their plans: `store/plans.rs` |
//! | migrations | `store/migrations.rs` |
//! | cache, local and in Redis | `cache/` |
//! | TLS in the service | `operations/tls/` |
//! | start, seeding, replicas that start at once | `operations/start.rs`, `operations/seeding.rs`, `operations/replicas.rs` |
//! | shutdown, drain | `operations/shutdown.rs` |
//! | command line, `--help`, `config` | `operations/command_line.rs` |
//! | commands `policy export`, `diff`, `apply` | `operations/policy_command.rs` |
//! | commands `migrate`, `keys`, `admin create`, `admin promote`, `admin reset-password` | `operations/offline_commands.rs` |
//! | modes of files, one service a folder | `operations/data_folder.rs` |
//! | refusals to start | `operations/refusals_to_start.rs` |
//! | roles of the stack's database | `operations/database_roles.rs` |
//! | proxies that map the paths of other systems | `operations/old_paths.rs` |
//! | housekeeping | `operations/housekeeping.rs`; the statements: `store/housekeeping.rs` |
//! | metrics, statements per request | `operations/metrics/` |
//! | secrets in logs | `operations/log_secrets.rs` |
//! | passwords in memory | `operations/password_memory.rs` |
//! | refusals in logs, fail2ban | `operations/log_refusals.rs` |
//! | crash, full disk | `failures/crash.rs`, `failures/disk_full.rs` |
//! | PostgreSQL or Redis stops, hangs, restarts | `failures/postgres.rs`, `failures/redis.rs`, `failures/restart.rs` |
//! | slow clients, too many connections, endless bodies | `failures/clients.rs`, `failures/connections.rs`, `failures/bodies.rs` |
//! | rules of the source, top level | `repository/architecture/` |
//! | what C code is compiled with | `repository/compile_options.rs` |
//! | README's commands | `repository/readme.rs` |
//! | that this table is current | `repository/table_of_tests.rs` |
//! | servers, clients, readers of answers and of the OpenAPI document | `support/` |
//!
//! `cargo test` runs the tests that need no server and no tool; the others name what they need.
//! `scripts/test` runs all of them, `scripts/test --quick` the fast ones, and `scripts/test-shuffled`
//! in random order.

mod api;
mod browsers;
mod cache;
mod failures;
mod flows;
mod limits;
mod operations;
mod repository;
mod store;
mod support;

use support::{browser, document, forger, harness, http2, nginx, raw};
