//! The users of the proof: a steady few in the background, and some who do everything wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::Client;
use super::stack::ADMIN_PASSWORD;
use crate::Result;

/// How many there are in the background.
const USERS: usize = 4;
/// How many paths a scanner tries.
pub const PATHS: usize = 5_000;
/// How many of each mistake are made.
pub const MISTAKES: usize = 20;
/// How long an impatient user waits for a login.
const IMPATIENCE: Duration = Duration::from_millis(4);

/// Makes the accounts of the background.
///
/// # Errors
/// When one cannot be made.
pub async fn prepare(client: &Client) -> Result<()> {
    for user in 0..USERS {
        let status = client.register(&format!("background-{user}")).await?;
        if status != 201 {
            return Err(format!("an account was answered {status}").into());
        }
    }
    Ok(())
}

/// A steady few who log in, read and refresh, whatever happens; until the set is dropped.
#[must_use]
pub fn background(client: &Arc<Client>) -> JoinSet<()> {
    let mut users = JoinSet::new();
    for user in 0..USERS {
        users.spawn(live(Arc::clone(client), format!("background-{user}")));
    }
    users
}

async fn live(client: Arc<Client>, name: String) {
    loop {
        if let Ok((_, Some(mut tokens))) = client.login(&name, None).await {
            for _ in 0..4 {
                for _ in 0..10 {
                    let _ = client.get("/users/me", &tokens.access).await;
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
                match client.refresh(&tokens.refresh).await {
                    Ok((_, Some(next))) => tokens = next,
                    _ => break,
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Everything that users and strangers do wrong, and an administrator's usual day: each a known number
/// of times. Nobody is impatient here; see [`leave`].
///
/// # Errors
/// When something is answered otherwise than it must be.
pub async fn mischief(client: &Client) -> Result<()> {
    let user = client.enter("background-0", None).await?;
    let admin = client.enter("admin", Some(ADMIN_PASSWORD)).await?;
    let mut expect = Vec::new();
    for number in 0..MISTAKES {
        let (wrong, _) = client
            .login("background-1", Some("not-the-password"))
            .await?;
        let (unknown, _) = client
            .login(&format!("nobody-{number}"), Some("letmein"))
            .await?;
        let taken = client.register("background-2").await?;
        let denied = client.get("/admin/users", &user.access).await?;
        let allowed = client.get("/admin/users", &admin.access).await?;
        let forged = client.get("/users/me", "e30.e30.e30").await?;
        expect.extend([(wrong, 400), (unknown, 400), (taken, 409)]);
        expect.extend([(denied, 403), (allowed, 200), (forged, 401)]);
    }
    // Two tabs: the previous token is honoured for a moment.
    let (first, _) = client.refresh(&user.refresh).await?;
    let (again, _) = client.refresh(&user.refresh).await?;
    let (nobody, _) = client.refresh("no-such-token").await?;
    expect.extend([(first, 200), (again, 200), (nobody, 400)]);
    match expect.iter().find(|(got, wanted)| got != wanted) {
        Some((got, wanted)) => Err(format!("{got} was answered instead of {wanted}").into()),
        None => Ok(()),
    }
}

/// A scanner, who tries so many paths.
///
/// # Errors
/// When one is not answered with 404.
pub async fn scan(client: &Client, paths: usize) -> Result<()> {
    for number in 0..paths {
        let path = format!("/wp-{number}/{number}.php");
        match client.scan(&path).await? {
            404 => {}
            status => return Err(format!("{path} was answered {status}").into()),
        }
    }
    Ok(())
}

/// Users who leave before they are answered.
pub async fn leave(client: &Client) {
    for _ in 0..MISTAKES {
        client.leave("background-3", IMPATIENCE).await;
    }
}
