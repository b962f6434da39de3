//! Credential stuffing: names and passwords tried from many addresses.

use rand::Rng as _;

use crate::routes::Route;
use crate::user::{Body, Call, User};

/// Addresses of the attack.
const SOURCES: u32 = 30;

/// Tries a password, for an account that exists 4 times of 10.
pub(super) async fn guess(user: &mut User<'_>) {
    let rng = &mut user.state.rng;
    // From the network for benchmarks (RFC 2544).
    let source = rng.random_range(0..SOURCES);
    let accounts = user.state.shared.accounts.len();
    let exists = rng.random_range(0..10) < 4 && accounts > 0;
    let victim = rng.random_range(0..accounts.max(1));
    user.state.source = Some(format!("198.18.0.{source}"));
    let mut guess = user.state.new_account();
    if exists {
        guess
            .username
            .clone_from(&user.state.shared.accounts[victim].username);
    }
    let form = [
        ("username", &*guess.username),
        ("password", &*guess.password),
    ];
    user.call(Call::new(Route::Login, 400).body(Body::Form(&form)))
        .await;
}

/// Gives the user a client address of its own.
pub(super) async fn take_address(user: &mut User<'_>) {
    // From a network for documentation (RFC 5737); each user has an address of its own.
    user.state.source = Some(format!("203.0.113.{}", user.state.index % 250));
}
