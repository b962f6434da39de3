//! An attacker who guesses an account's password does not lock its owner out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, TimeDelta};
use clap::Parser as _;
use rbac_sentinel::testing::app::Services;
use rbac_sentinel::testing::auth::{Attempt, LoggedIn};
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::config::Config;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::hashing::Password;
use rbac_sentinel::testing::limits::Source;
use rbac_sentinel::testing::rbac::Scope;
use reqwest::Method;
use serde_json::json;

use super::{from, limits, login};
use crate::harness::{ADMIN_PASSWORD, Answer, PASSWORD, SECRET_KEY, Server};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// How many attempts at one name were hashed in ten minutes before: 30 at once, then one in two
/// minutes.
const GUESSES_BY_NAME_ALONE: u32 = 35;

/// A service in this process, with a clock that the test moves.
struct World {
    services: Services,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        crate::store::recorder();
        let folder = tempfile::tempdir().expect("a folder");
        let config = Cli::parse_from([
            "serve",
            "--data-dir",
            &folder.path().join("data").display().to_string(),
            "--secret-key",
            SECRET_KEY,
            "--hash-memory-kib",
            "64",
            "--hash-iterations",
            "1",
        ]);
        let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let services = Services::open(&config.config, clock.clone()).await;
        let services = services.expect("opens");
        let account = rbac_sentinel::testing::accounts::NewAccount {
            username: "alice".to_owned(),
            email: "alice@example.com".to_owned(),
            password: Password::new(PASSWORD),
            role: "user".to_owned(),
            initial: false,
        };
        let source = Source::from(IpAddr::from([127, 0, 0, 1]));
        let made = services.register().register(&source, account, None).await;
        made.expect("made");
        Self {
            services,
            clock,
            _folder: folder,
        }
    }

    async fn login(
        &self,
        address: impl Into<IpAddr>,
        name: &str,
        password: &str,
        device: Option<&str>,
    ) -> Result<Option<LoggedIn>, Error> {
        let source = Source::from(address.into());
        let attempt = Attempt {
            source: &source,
            name,
            password: Password::new(password),
            user_agent: "a test",
            device,
            scope: Scope::EVERYTHING,
        };
        self.services.login().login(attempt).await
    }

    /// A login attempt; returns whether it was hashed.
    async fn guess(&self, address: impl Into<IpAddr>, name: &str) -> bool {
        match self.login(address, name, "wrong", None).await {
            Ok(None) => true,
            Err(Error::RateLimited(_)) => false,
            Ok(Some(_)) => panic!("a wrong password"),
            Err(error) => panic!("{error}"),
        }
    }

    /// The owner's login: the device's cookie, if it succeeded.
    async fn owner(&self, address: impl Into<IpAddr>, device: Option<&str>) -> Option<String> {
        let login = self.login(address, "alice", PASSWORD, device).await;
        login.ok().flatten().map(|login| login.device)
    }
}

const HOME: [u8; 4] = [192, 0, 2, 1];

/// Ten minutes in which each of `addresses` sends a request once a second, and the owner logs in
/// meanwhile.
async fn attack(addresses: u8) {
    let world = World::new().await;
    let mut cookie = world.owner(HOME, None).await.expect("before the attack");
    let mut guesses = 0;
    // Tried and succeeded, by where the owner is.
    let mut owner: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut count = |place, succeeded: bool| {
        let (tried, came_in) = owner.entry(place).or_default();
        *tried += 1;
        *came_in += u32::from(succeeded);
    };
    // Since when the owner has tried from a place without a cookie, and from which.
    let mut new_place = 0_u8;
    let mut since = None;
    let mut longest = 0;
    for second in 0_u32..600 {
        for number in 0..addresses {
            let name = if second % 2 == 0 {
                "alice"
            } else {
                "Alice@example.com"
            };
            let address = [198, 51, 100, number];
            guesses += u32::from(world.guess(address, name).await);
        }
        if second % 20 == 7 {
            count("at home", world.owner(HOME, None).await.is_some());
            let elsewhere = [203, 0, 113, u8::try_from(second / 20).expect("small")];
            let login = world.owner(elsewhere, Some(&cookie)).await;
            count("with a cookie elsewhere", login.is_some());
            cookie = login.unwrap_or(cookie);
        }
        // As a person would: again after 15 seconds, and then from the next new place.
        if second % 15 == 3 {
            let begun = *since.get_or_insert(second);
            let login = world.owner(Ipv4Addr::new(10, 0, 0, new_place), None).await;
            if login.is_some() {
                longest = longest.max(second - begun);
                count("at a new place", second - begun < 60);
                since = None;
                new_place += 1;
            }
        }
        world.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(since, None, "still waiting at the end");
    println!(
        "{addresses} addresses, 1/s each: {guesses} guesses; owner (tried, succeeded): {owner:?}; longest wait at a new place {longest} s"
    );
    assert!(owner.len() == 3, "{owner:?}");
    for (place, (tried, came_in)) in owner {
        assert!(tried >= 10, "{place}: {tried}");
        assert_eq!(came_in, tried, "{place}");
    }
    assert!(guesses >= 10, "{guesses}");
    assert!(guesses <= GUESSES_BY_NAME_ALONE, "{guesses}");
}

#[tokio::test]
async fn owner_logs_in_while_one_address_guesses_once_a_second() {
    attack(1).await;
}

#[tokio::test]
async fn owner_logs_in_while_fifty_addresses_guess_once_a_second_each() {
    attack(50).await;
}

#[tokio::test]
async fn patient_guesses_from_ever_new_addresses_stay_within_the_limit() {
    let world = World::new().await;
    let mut guesses = 0;
    for step in 0_u32..600 {
        let address = Ipv4Addr::from(0x0a00_0000 + step);
        guesses += u32::from(world.guess(address, "alice").await);
        world.clock.advance(TimeDelta::seconds(1));
    }
    println!("600 addresses, one guess each: {guesses} guesses");
    assert!((20..=GUESSES_BY_NAME_ALONE).contains(&guesses), "{guesses}");
}

#[tokio::test]
async fn username_and_email_of_an_account_count_together() {
    let world = World::new().await;
    let mut guesses = 0;
    for number in 0..60 {
        let name = ["alice", "ALICE@example.com", " alice "][usize::from(number) % 3];
        guesses += u32::from(world.guess([198, 51, 100, number], name).await);
    }
    assert!((20..=30).contains(&guesses), "{guesses}");
}

#[tokio::test]
async fn stolen_device_cookie_guesses_no_faster_than_a_name() {
    let world = World::new().await;
    let cookie = world.owner(HOME, None).await.expect("in");
    let stolen = |number| world.login([198, 51, 100, number], "alice", "wrong", Some(&cookie));
    let mut guesses = 0;
    for number in 0..100 {
        guesses += u32::from(stolen(number).await.is_ok());
    }
    // The device's own ten, and those of unknown clients.
    assert!((30..=40).contains(&guesses), "{guesses}");
    // The owner's own address and other devices are not affected.
    assert!(world.owner(HOME, None).await.is_some());
    // It is not valid for another account.
    for number in 0..30 {
        world.guess([203, 0, 113, number], "bob").await;
    }
    let other = world.login([198, 51, 100, 1], "bob", "wrong", Some(&cookie));
    assert!(matches!(other.await, Err(Error::RateLimited(_))));
}

#[tokio::test]
async fn strangers_of_one_ipv6_customer_share_their_permits() {
    let world = World::new().await;
    let mut guesses = 0;
    for number in 0..200_u16 {
        let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 7, number, 0, 0, 0, 1);
        guesses += u32::from(world.guess(address, "alice").await);
    }
    assert_eq!(guesses, 10);
}

fn device_cookie(answer: &Answer) -> Option<String> {
    let value = answer.headers.get("set-cookie")?.to_str().expect("text");
    Some(value.split(';').next().expect("a pair").to_owned())
}

/// Over HTTP: the attacker has used up all permits of unknown clients.
#[tokio::test]
async fn device_cookie_and_known_address_let_the_owner_in_over_http() {
    let rates = [("LOGIN_ACCOUNT", "3/1h"), ("LOGIN_KNOWN", "5/1h")];
    let server = limits(&rates).start().await;
    assert_eq!(server.register("alice").await.status, 201);
    let first = login(&server, "192.0.2.1", "alice", PASSWORD).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let set = first.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    let cookie = device_cookie(&first).expect("a cookie");
    for number in 0..9 {
        let address = format!("198.51.100.{number}");
        let name = ["alice", "alice@example.com"][number % 2];
        let answer = login(&server, &address, name, "wrong").await;
        assert_eq!(answer.status, if number < 3 { 400 } else { 429 });
        assert_eq!(device_cookie(&answer), None, "a failure sets nothing");
    }
    let with = async |cookie: &str, name: &str, password: &str| {
        let form = [("username", name), ("password", password)];
        let request = server.anon().request(Method::POST, "/login").form(&form);
        Answer::of(from("203.0.113.9", request).header("cookie", cookie)).await
    };
    assert_eq!(with("a=b", "alice", PASSWORD).await.status, 429);
    let cookies = format!("a=b; {cookie}");
    let again = with(&cookies, "alice@example.com", PASSWORD).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_ne!(device_cookie(&again), Some(cookie), "each has its own id");
    // The address is known from now on, and the first one still is.
    for address in ["192.0.2.1", "203.0.113.9"] {
        let answer = login(&server, address, "alice", PASSWORD).await;
        assert_eq!(answer.status, 200, "{address}: {}", answer.text);
    }
}

#[tokio::test]
async fn device_cookie_is_bound_to_the_host_with_https() {
    let server = Server::builder()
        .env("PUBLIC_URL", "https://auth.example.com")
        .start()
        .await;
    let answer = server.anon().login("admin", ADMIN_PASSWORD).await;
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-rbac-sentinel-device="), "{set}");
    assert!(set.ends_with("; Secure"), "{set}");
    let token = answer.json["refresh_token"].as_str().expect("a token");
    let body = json!({ "refresh_token": token });
    let refreshed = server.anon().post("/refresh", &body).await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(device_cookie(&refreshed), None);
}

#[tokio::test]
async fn ipv6_customers_are_rate_limited_by_their_larger_networks() {
    let server = limits(&[("LOGIN_SOURCE", "1/1h")]).start().await;
    let attempt = async |address: String| login(&server, &address, "nobody", "wrong").await.status;
    for number in 0..5 {
        let address = format!("2001:db8:0:{number}::1");
        let expected = if number < 4 { 400 } else { 429 };
        assert_eq!(attempt(address).await, expected, "{number} of 4 in a /56");
    }
    for number in 1..13 {
        assert_eq!(attempt(format!("2001:db8:0:{number}00::1")).await, 400);
    }
    assert_eq!(
        attempt("2001:db8:0:fe00::1".to_owned()).await,
        429,
        "16 in a /48"
    );
    assert_eq!(attempt("2001:db8:1::1".to_owned()).await, 400);
}
