use super::*;

fn check(password: &str) -> Result<(), WeakPassword> {
    PasswordPolicy::default().check(
        &Password::new(password),
        "carolyn.k",
        "carol.king@example.org",
    )
}

#[test]
fn password_length_is_counted_in_code_points() {
    assert_eq!(check("ünïcödé"), Err(WeakPassword::TooShort { min: 8 }));
    assert_eq!(check("ünïcödé!"), Ok(()));
    assert_eq!(check("🦀🐙🦑🐠🐡🦈🐳🐬"), Ok(()));
    let longest: String = "äöü€".chars().cycle().take(128).collect();
    assert_eq!(check(&longest), Ok(()));
    assert_eq!(
        check(&format!("{longest}x")),
        Err(WeakPassword::TooLong { max: 128 })
    );
}

#[test]
fn common_password_is_rejected_in_any_case() {
    for password in [
        "password",
        "PassWord",
        "12345678",
        "IloveYou",
        "trustno1",
        "qwertyuiop",
        "11111111",
        "zzzzzzzz",
        "ÄÄÄÄÄÄÄÄ",
        "1qaz2wsx",
        "!qaz2wsx",
        "football",
        "abcd1234",
        "passw0rd",
        "P@ssW0rd",
        "drowssap",
        "poiuytrewq",
        "michael3",
        "elephants",
        "12345678900987654321",
    ] {
        assert_eq!(check(password), Err(WeakPassword::Common), "{password}");
    }
}

#[test]
fn password_needs_no_composition() {
    for password in [
        "vurkelbast",
        "kestrelfog",
        "83650194",
        "lamp rain 7",
        "correct horse battery staple",
        "eel  oak  7",
    ] {
        assert_eq!(check(password), Ok(()), "{password}");
    }
}

#[test]
fn password_of_many_signs_skips_the_slow_estimator() {
    assert!(!is_common("4@8({[<36911!|170$5+7%2abcegilos", 32));
    assert_eq!(check("4@8({[<36911!|170$5+7%2abcegilos"), Ok(()));
}

#[test]
fn password_that_names_its_owner_is_rejected() {
    for password in [
        "Carolyn.K",
        "carol.king",
        "CAROL.KING@example.org",
        "RBAC-Sentinel",
    ] {
        assert_eq!(
            check(password),
            Err(WeakPassword::ContainsIdentity),
            "{password}"
        );
    }
    assert_eq!(check("carol.king.sings"), Ok(()));
}

#[test]
fn rejections_say_what_to_do() {
    let sentence = check("short").unwrap_err().to_string();
    assert_eq!(sentence, "The password must have at least 8 characters.");
}
