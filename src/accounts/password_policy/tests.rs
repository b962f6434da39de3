use super::*;

/// Both halves of the judgement.
fn check(password: &str) -> Result<(), WeakPassword> {
    let (policy, password) = (PasswordPolicy::strict(8), Password::new(password));
    policy.check(&password, "carolyn.k", "carol.king@example.org")?;
    let guessable = policy.wants_estimate(&password) && PasswordPolicy::is_guessable(&password);
    if guessable {
        return Err(WeakPassword::Common);
    }
    Ok(())
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
fn text_longer_than_any_name_is_not_compared() {
    let policy = PasswordPolicy::strict(8);
    let password = Password::new("carolking".to_owned());
    let check = |email: &str| policy.check(&password, "someone", email);
    let name = |signs| format!("carol{}king", ".".repeat(signs));
    let refused = Err(WeakPassword::ContainsIdentity { min: 8 });
    assert_eq!(check(&name(EMAIL_MAX - 9)), refused);
    assert_eq!(check(&name(EMAIL_MAX - 8)), Ok(()));
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
fn repeated_piece_is_rejected_when_it_is_short_or_common() {
    for password in [
        "xk9xk9xk9",
        "xk9#xk9#xk",
        "üüüüüüüü",
        "passwordpasswordpassword",
        "Summer2024!Summer2024!",
    ] {
        assert_eq!(check(password), Err(WeakPassword::Common), "{password}");
    }
    for password in ["xk9#vurkel-xk9#vurkel-", &"xk9#".repeat(9), "xk9#vq2-xk9"] {
        assert_eq!(check(password), Ok(()), "{password}");
    }
}

#[test]
fn policy_that_is_off_wants_no_estimate() {
    let password = Password::new("uncomfortable");
    assert!(PasswordPolicy::strict(8).wants_estimate(&password));
    assert!(!PasswordPolicy::off().wants_estimate(&password));
}

#[test]
fn none_of_the_most_frequent_passwords_passes() {
    let frequent: Vec<_> = include_str!("frequent-passwords.txt").lines().collect();
    assert_eq!(frequent.len(), 3_000);
    for password in frequent {
        // One of them is part of the service's name.
        assert_ne!(check(password), Ok(()), "{password}");
    }
}

#[test]
fn common_password_is_rejected_with_substitutions_signs_and_digits() {
    for password in [
        "Admin@123",
        "Password@123",
        "Summer2024!",
        "changeme123",
        "P@$$w0rd!",
        "W3lc0me2025",
        "!Qwerty2024",
        "Dr@g0n!2026",
        "letmein#1!",
        "(0mpu73r99",
        "test@1234",
    ] {
        assert_eq!(check(password), Err(WeakPassword::Common), "{password}");
    }
}

#[test]
fn strong_passwords_are_not_taken_for_common_ones() {
    // Passphrases of four words, and random characters, each from a counter.
    const WORDS: [&str; 16] = [
        "violet", "harbour", "granite", "meadow", "kestrel", "lantern", "copper", "thistle",
        "walnut", "glacier", "saddle", "orchid", "pebble", "juniper", "anchor", "marble",
    ];
    const SIGNS: &[u8] =
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%&*-_=+.,?";
    let chosen = |seed: u64, count: usize, of: usize| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..count).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits") % of
        })
    };
    for seed in 1..=2_000 {
        let words: Vec<_> = chosen(seed, 4, WORDS.len()).map(|at| WORDS[at]).collect();
        let random: String = chosen(seed, 12, SIGNS.len())
            .map(|at| char::from(SIGNS[at]))
            .collect();
        for password in [words.join("-"), words.join(" "), words.concat(), random] {
            assert!(!common::is_listed(&password), "{password}");
        }
    }
}

#[test]
fn password_made_of_names_is_rejected() {
    for password in [
        "Carolyn.K",
        "carol.king",
        "CAROL.KING@example.org",
        "RBAC-Sentinel",
        "carolyn.k2024!",
        "C4r0l-K1ng-77",
        "xx-carolking-yy",
        "my rbac pass",
        "S3nt1nel#99",
    ] {
        assert_eq!(
            check(password),
            Err(WeakPassword::ContainsIdentity { min: 8 }),
            "{password}"
        );
    }
    for password in ["carol.king sings at noon", "sentinel-harbour-31"] {
        assert_eq!(check(password), Ok(()), "{password}");
    }
}

#[test]
fn short_name_blocks_nothing_but_itself() {
    let check = |password| {
        let policy = PasswordPolicy::strict(8);
        policy.check(&Password::new(password), "bob", "bo@example.org")
    };
    assert_eq!(check("bob-kestrelfog"), Ok(()));
    assert_eq!(check("xbobkfog"), Ok(()));
    assert_eq!(
        check("bo@example.org"),
        Err(WeakPassword::ContainsIdentity { min: 8 })
    );
}

#[test]
fn minimum_is_the_policys() {
    let policy = PasswordPolicy::strict(15);
    let check = |password| policy.check(&Password::new(password), "carolyn", "king@example.org");
    assert_eq!(
        check("kestrelfog-421"),
        Err(WeakPassword::TooShort { min: 15 })
    );
    assert_eq!(check("kestrelfog-4219"), Ok(()));
    assert_eq!(
        check("carolyn-kestrel-42"),
        Err(WeakPassword::ContainsIdentity { min: 15 })
    );
}

#[test]
fn policy_that_is_off_takes_what_can_be_hashed() {
    let check = |password: &str| {
        PasswordPolicy::off().check(&Password::new(password), "string", "string@example.org")
    };
    for password in ["testpass", "string", "x"] {
        assert_eq!(check(password), Ok(()), "{password}");
    }
    assert_eq!(check(""), Err(WeakPassword::TooShort { min: 1 }));
    let long = "x".repeat(129);
    assert_eq!(check(&long), Err(WeakPassword::TooLong { max: 128 }));
}

#[test]
fn rejections_say_what_to_do() {
    let sentence = check("short").unwrap_err().to_string();
    assert_eq!(sentence, "The password must have at least 8 characters.");
    let sentence = check("carolyn.k").unwrap_err().to_string();
    assert_eq!(
        sentence,
        "The password must not be made of your username, your e-mail address or the name of this \
         service: without them 8 characters must be left."
    );
}
