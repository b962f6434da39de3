//! Settings that are weaker than they may be outside of tests and development.

use super::{Config, Secret};

/// The least parameters of Argon2id that OWASP's Password Storage Cheat Sheet calls equivalent: memory in
/// KiB and iterations.
const LEAST_HASHING: [(u32, u32); 5] = [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)];
/// The least number of different bytes in a secret: 32 random characters of any alphabet have far more.
const LEAST_VARIETY: usize = 8;
/// The prefixes of the secrets that this repository publishes.
const PUBLISHED: &str = "development-only";

impl Config {
    /// The first setting that needs ALLOW_INSECURE, as a sentence that says what to do.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        let hashing = &self.hashing;
        let strong = |(memory, iterations): &(u32, u32)| {
            hashing.hash_memory_kib >= *memory && hashing.hash_iterations >= *iterations
        };
        if !LEAST_HASHING.iter().any(strong) {
            return Some(
                "HASH_MEMORY_KIB and HASH_ITERATIONS are below the least that OWASP recommends, 19456 \
                 and 2 (or 47104 and 1, 12288 and 3, 9216 and 4, 7168 and 5): raise them, or set \
                 ALLOW_INSECURE=true for tests.",
            );
        }
        let shared = self.tokens.hs256_key.as_ref().map(Secret::expose);
        let secrets = self.named_secrets().into_iter().map(|(_, secret)| secret);
        let secrets: Vec<_> = secrets.chain(shared).collect();
        if secrets.iter().any(|secret| variety(secret) < LEAST_VARIETY) {
            return Some(
                "SECRET_KEY, a secret of SECRET_KEYS or HS256_KEY has fewer than 8 different characters: generate one with \
                 `openssl rand -base64 32`, or set ALLOW_INSECURE=true for tests.",
            );
        }
        let own = [&self.admin.password, &self.database.url, &self.redis.url];
        let own = own.into_iter().flatten().map(Secret::expose);
        let published = own.chain(secrets).any(|secret| {
            secret.starts_with(PUBLISHED) || secret.contains(&format!(":{PUBLISHED}"))
        });
        if published && self.is_public() {
            return Some(
                "PUBLIC_URL begins with https:// and a secret is one of those for development, \
                 which everyone can read: SECRET_KEY, SECRET_KEYS, HS256_KEY, ADMIN_PASSWORD, or the password \
                 in DATABASE_URL or REDIS_URL. Make new ones, or set ALLOW_INSECURE=true for \
                 tests.",
            );
        }
        if self.trusts_plain_pages() {
            return Some(
                "CORS_ORIGINS has an http:// origin and PUBLIC_URL begins with https://: the network \
                 between can change such a page and take the tokens that it gets. List its https:// \
                 origin, or set ALLOW_INSECURE=true for tests.",
            );
        }
        None
    }
}

fn variety(secret: &str) -> usize {
    let mut bytes = secret.as_bytes().to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::super::from_arguments;

    #[test]
    fn weak_settings_need_allow_insecure() {
        let https = ["--public-url", "https://auth.example.com"];
        let published = ["--secret-key", "development-only-0123456789-abcdefghij"];
        let one = "k".repeat(32);
        let few = "abcdefg".repeat(8);
        let enough = "abcdefgh".repeat(4);
        for (args, word) in [
            (vec!["--hash-memory-kib", "19455"], Some("OWASP")),
            (vec!["--hash-iterations", "1"], Some("OWASP")),
            (
                vec!["--hash-memory-kib", "64", "--hash-iterations", "10"],
                Some("OWASP"),
            ),
            (
                vec!["--hash-memory-kib", "47104", "--hash-iterations", "1"],
                None,
            ),
            (
                vec!["--hash-memory-kib", "7168", "--hash-iterations", "5"],
                None,
            ),
            (
                vec!["--hash-memory-kib", "7168", "--hash-iterations", "4"],
                Some("OWASP"),
            ),
            (vec!["--secret-key", &one], Some("SECRET_KEY")),
            (vec!["--secret-key", &few], Some("SECRET_KEY")),
            (vec!["--secret-key", &enough], None),
            (
                vec!["--signing-alg", "HS256", "--hs256-key", &one],
                Some("HS256_KEY"),
            ),
            (published.to_vec(), None),
            ([&published[..], &https].concat(), Some("development")),
            (
                [
                    &["--admin-password", "development-only-harbour-31"],
                    &https[..],
                ]
                .concat(),
                Some("development"),
            ),
            (
                [
                    &["--redis-url", "redis://:development-only@redis"],
                    &https[..],
                ]
                .concat(),
                Some("development"),
            ),
            (https.to_vec(), None),
        ] {
            let parse = |more: &[&str]| from_arguments(&[&args[..], more].concat());
            let refusal = parse(&[]).validate().err().map(|error| error.to_string());
            assert_eq!(refusal.is_some(), word.is_some(), "{args:?}: {refusal:?}");
            if let (Some(refusal), Some(word)) = (refusal, word) {
                assert!(refusal.contains(word), "{args:?}: {refusal}");
                assert!(refusal.contains("ALLOW_INSECURE"), "{refusal}");
                assert!(
                    !refusal.contains("kkk") && !refusal.contains("harbour"),
                    "{refusal}"
                );
            }
            assert_eq!(parse(&["--allow-insecure"]).validate(), Ok(()), "{args:?}");
        }
    }
}
