use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::*;

/// From the test suite of the reference implementation: t=2, m=2^8, p=1, "password", "somesalt".
const REFERENCE: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

fn derive(phc: &PhcHash, password: &str) -> Vec<u8> {
    let mut output = vec![0; phc.output.len()];
    phc.params
        .argon2(output.len())
        .unwrap()
        .hash_password_into(password.as_bytes(), &phc.salt, &mut output)
        .unwrap();
    output
}

fn parse(stored: &str) -> Result<PhcHash, HashError> {
    PhcHash::parse(stored, &HashBounds::default())
}

#[test]
fn reference_vector_verifies_and_survives_a_round_trip() {
    let phc = parse(REFERENCE).ok().unwrap();
    assert!(phc.matches(&derive(&phc, "password")));
    assert!(!phc.matches(&derive(&phc, "Password")));
    assert_eq!(phc.to_string(), REFERENCE);
}

#[test]
fn hashes_are_compatible_with_the_argon2_crate() {
    let theirs = Argon2::default()
        .hash_password_with_salt("grüße".as_bytes(), b"sixteen bytes ok")
        .unwrap()
        .to_string();
    let phc = parse(&theirs).ok().unwrap();
    assert_eq!(phc.params, HashParams::default());
    assert!(phc.matches(&derive(&phc, "grüße")));
    assert_eq!(phc.to_string(), theirs);

    let parsed = argon2::PasswordHash::new(&phc.to_string()).unwrap();
    assert!(
        Argon2::default()
            .verify_password("grüße".as_bytes(), &parsed)
            .is_ok()
    );
}

#[test]
fn hash_comparison_needs_every_byte() {
    let phc = parse(REFERENCE).ok().unwrap();
    assert!(phc.matches(&phc.output));
    assert!(!phc.matches(&phc.output[..31]));
    for index in 0..phc.output.len() {
        let mut other = phc.output.clone();
        other[index] ^= 1;
        assert!(!phc.matches(&other));
    }
}

#[test]
fn malformed_or_foreign_hash_is_rejected() {
    for stored in [
        "",
        "$",
        "password",
        "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZQ7e1uK1n0bQyqYB6N8y6jH1u5u8iW",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1,data=AA$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=+256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=0256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ=$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29t*XNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ] {
        assert!(
            matches!(parse(stored), Err(HashError::Unusable(_))),
            "{stored}"
        );
    }
}

#[test]
fn stored_hash_above_the_bounds_is_rejected() {
    let stored = |memory: &str, iterations: &str, parallelism: &str, salt: usize, output: usize| {
        let (salt, output) = (BASE64.encode(vec![7; salt]), BASE64.encode(vec![7; output]));
        format!("$argon2id$v=19$m={memory},t={iterations},p={parallelism}${salt}${output}")
    };
    for good in [
        stored("65536", "10", "4", 8, 16),
        stored("8", "1", "1", 48, 64),
        stored("32", "1", "4", 16, 32),
    ] {
        assert!(parse(&good).is_ok(), "{good}");
    }
    for bad in [
        stored("65537", "1", "1", 16, 32),
        stored("4294967295", "1", "1", 16, 32),
        stored("4294967296", "1", "1", 16, 32),
        stored("64", "11", "1", 16, 32),
        stored("64", "1", "5", 16, 32),
        stored("7", "1", "1", 16, 32),
        stored("31", "1", "4", 16, 32),
        stored("64", "0", "1", 16, 32),
        stored("64", "1", "0", 16, 32),
        stored("64", "1", "1", 7, 32),
        stored("64", "1", "1", 49, 32),
        stored("64", "1", "1", 16, 15),
        stored("64", "1", "1", 16, 65),
    ] {
        assert!(matches!(parse(&bad), Err(HashError::Unusable(_))), "{bad}");
    }
}

#[test]
fn bounds_allow_the_parameters_in_use() {
    let large = HashParams {
        memory_kib: 131_072,
        iterations: 1,
        parallelism: 8,
    };
    let bounds = HashBounds::default().allowing(large);
    assert_eq!(bounds.max_memory_kib, 131_072);
    assert_eq!(bounds.max_iterations, 10);
    assert_eq!(bounds.max_parallelism, 8);
}
