//! Only callers who may assign a role can grant it, on every path that creates an account. No built-in
//! role creates accounts without assigning roles, so the callers here are constructed.

use clap::Parser as _;
use rbac_sentinel::testing::accounts::{Actor, NewAccount};
use rbac_sentinel::testing::app::Services;
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::config::Config;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::hashing::Password;
use rbac_sentinel::testing::rbac::Assignment;
use rbac_sentinel::testing::sessions::Account;

use crate::harness::PASSWORD;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

#[tokio::test]
async fn role_above_user_takes_the_permission_to_assign_whatever_else_the_caller_may_do() {
    crate::store::recorder();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("data").display().to_string();
    let arguments = [
        "serve",
        "--data-dir",
        &folder,
        "--hash-memory-kib",
        "64",
        "--hash-iterations",
        "1",
    ];
    let config = Cli::parse_from(arguments).config;
    let services = Services::open(&config, Clock::system()).await;
    let services = services.expect("opens");
    let accounts = &services.accounts;
    let account = NewAccount {
        username: "alice".to_owned(),
        email: "alice@example.com".to_owned(),
        password: Password::new(PASSWORD),
        role: "user".to_owned(),
        initial: false,
    };
    let alice = accounts.make(account, Actor::Stranger).await.expect("made");
    let live = services.policies.kept();
    let alice = Account::of(alice, &live, 0);
    let create = async |actor: Actor<'_>, name: &str, role: Option<&str>| {
        let (username, email) = (name.to_owned(), format!("{name}@example.com"));
        let role = role.map(str::to_owned);
        let made = accounts.create_with_generated_password(actor, username, email, role);
        made.await.map(|(user, _)| user.roles)
    };
    let admin = Assignment::everywhere("admin");
    for actor in [Actor::Admin(&alice), Actor::Owner(&alice), Actor::Stranger] {
        let refused = create(actor, "mallory", Some("admin")).await;
        assert!(
            matches!(refused, Err(Error::Forbidden("roles:assign"))),
            "{actor:?}"
        );
        let refused = accounts.assign_role(actor, alice.user.id, &admin).await;
        assert!(
            matches!(refused, Err(Error::Forbidden("roles:assign"))),
            "{actor:?}"
        );
    }
    let nobody = services.store.credentials("mallory").await.expect("asked");
    assert!(nobody.is_none());
    let own = accounts.user(alice.user.id).await.expect("there");
    assert_eq!(own.roles, ["user"]);
    // Without a role above `user` the same callers are not refused for it.
    let made = create(Actor::Admin(&alice), "bob", None).await;
    assert_eq!(made.expect("made"), ["user"]);
    let made = create(Actor::Operator, "carol", Some("admin")).await;
    assert_eq!(made.expect("made"), ["admin"]);
}
