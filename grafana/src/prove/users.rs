//! The simulated users: a steady background load, and clients that make every mistake.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::Client;
use super::stack::ADMIN_PASSWORD;
use crate::Result;

/// Number of background users.
const USERS: usize = 4;
/// Number of paths that a scanner requests.
pub const PATHS: usize = 5_000;
/// How often each mistake is made.
pub const MISTAKES: usize = 20;
/// Timeout of an impatient client's login.
const IMPATIENCE: Duration = Duration::from_millis(4);

/// Creates the background users' accounts.
///
/// # Errors
/// When an account cannot be created.
pub async fn prepare(client: &Client) -> Result<()> {
    for user in 0..USERS {
        let status = client.register(&format!("background-{user}")).await?;
        if status != 201 {
            return Err(format!("an account was answered {status}").into());
        }
    }
    Ok(())
}

/// Background users that log in, read and refresh whatever happens, until the set is dropped.
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

/// Every mistake of users and attackers and an administrator's usual work, each a known number of
/// times. For clients that disconnect, see [`disconnect`].
///
/// # Errors
/// When an answer is not the expected one.
pub async fn mistakes(client: &Client) -> Result<()> {
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
    // Two tabs: the previous token is accepted for the grace period.
    let (first, _) = client.refresh(&user.refresh).await?;
    let (again, _) = client.refresh(&user.refresh).await?;
    let (nobody, _) = client.refresh("no-such-token").await?;
    expect.extend([(first, 200), (again, 200), (nobody, 400)]);
    match expect.iter().find(|(got, wanted)| got != wanted) {
        Some((got, wanted)) => Err(format!("{got} was answered instead of {wanted}").into()),
        None => Ok(()),
    }
}

/// A scanner that requests this many unknown paths.
///
/// # Errors
/// When an answer is not 404.
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

/// Clients that disconnect before the answer.
pub async fn disconnect(client: &Client) {
    for _ in 0..MISTAKES {
        client.disconnect("background-3", IMPATIENCE).await;
    }
}
