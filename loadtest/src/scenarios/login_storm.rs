//! Logins of clients that are deaf to Retry-After.

use std::time::Duration;

use rand::Rng as _;

use crate::outcome::Outcome;
use crate::routes::Route;
use crate::user::{Body, Call, User};

/// Logs in to one of the prepared accounts.
pub(super) async fn login(user: &mut User<'_>) {
    let accounts = &user.state.shared.accounts;
    if accounts.is_empty() {
        return;
    }
    let account = accounts[user.state.index % accounts.len()].clone();
    let form = [
        ("username", &*account.username),
        ("password", &*account.password),
    ];
    let call = Call::new(Route::Login, 200).body(Body::Form(&form));
    if user.call(call).await.outcome == Outcome::Refused {
        // Shorter than Retry-After asks, but longer than a network round trip.
        let millis = user.state.rng.random_range(50..150);
        user.wait(Duration::from_millis(millis)).await;
    }
}
