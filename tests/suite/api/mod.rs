//! The HTTP API, by resource, and what holds for every operation: permissions and errors.

mod access;
mod access_tokens;
mod admin_entities;
mod admin_users;
mod documents;
mod errors;
mod initial_passwords;
mod login;
mod logout;
mod oauth;
mod pages;
mod permissions;
mod problem_types;
mod refresh;
mod refresh_replays;
mod register;
mod register_passwords;
mod roles;
mod scopes;
mod search;
mod security_headers;
mod sessions;
mod users_me;
