//! The service refuses to start with settings that cannot work or are unsafe. The message says why,
//! without secrets.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{run, text};
use crate::harness::{Server, program};

const KEY: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

/// Starts the service with these variables in place of ports of its own; returns its error.
#[track_caller]
fn refusal(folder: &Path, env: &[(&str, &str)]) -> String {
    let mut command = program(folder);
    command
        .env("API_ADDR", "127.0.0.1:0")
        .env("OPS_ADDR", "127.0.0.1:0")
        .env("DATA_DIR", folder.join("data"))
        .env("ADMIN_PASSWORD", KEY)
        .env("HASH_MEMORY_KIB", "64")
        .env("ALLOW_INSECURE", "true")
        .envs(env.iter().copied());
    let output = run(&mut command);
    let (printed, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{env:?}: {complaint}");
    assert_eq!(printed, "", "{env:?}");
    assert!(!complaint.contains("hunter2"), "{env:?}: {complaint}");
    let sentence = complaint.lines().last().unwrap_or_default();
    assert!(sentence.starts_with("rbac-sentinel: "), "{complaint}");
    for word in ["panicked", "internal error"] {
        assert!(!complaint.contains(word), "{complaint}");
    }
    complaint
}

#[test]
fn start_rejects_contradicting_options_before_touching_anything() {
    let same = "127.0.0.1:65001";
    for (env, words) in [
        (vec![("SECRET_KEY", "hunter2")], "SECRET_KEY is shorter"),
        (vec![("SECRET_KEY", "")], "SECRET_KEY is shorter"),
        (
            vec![("API_ADDR", same), ("OPS_ADDR", same)],
            "API_ADDR and OPS_ADDR are the same",
        ),
        (vec![("SIGNING_ALG", "HS256")], "HS256_KEY"),
        (
            vec![("SIGNING_ALG", "HS256"), ("HS256_KEY", "hunter2")],
            "HS256_KEY is shorter",
        ),
        (vec![("HS256_KEY", KEY)], "SIGNING_ALG"),
        (
            vec![("DATABASE_URL", "mysql://root:hunter2@localhost/x")],
            "DATABASE_URL must start with",
        ),
        (
            vec![("REDIS_URL", "localhost:6379/hunter2")],
            "REDIS_URL must start with",
        ),
        (vec![("REDIS_PREFIX", "a b")], "REDIS_PREFIX"),
        (vec![("REDIS_TIMEOUT", "1s")], "REDIS_TIMEOUT"),
        (vec![("ACCESS_TOKEN_TTL", "31m")], "ACCESS_TOKEN_TTL"),
        (vec![("SESSION_TTL", "1d")], "SESSION_TTL"),
        (vec![("LOG_LEVEL", "a=b=c")], "LOG_LEVEL"),
        (vec![("TLS_CERT", "tls.crt")], "TLS_CERT and TLS_KEY belong"),
        (
            vec![("TLS_CERT", "tls.crt"), ("TLS_KEY", "tls.key")],
            "TLS_CERT tls.crt: No such file",
        ),
        (
            vec![
                ("PASSWORD_POLICY", "off"),
                ("PUBLIC_URL", "https://auth.example.com"),
            ],
            "PASSWORD_POLICY is off",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let complaint = refusal(folder.path(), &env);
        assert!(complaint.contains(words), "{env:?}: {complaint}");
        assert!(!folder.path().join("data").exists(), "{env:?}");
    }
}

#[test]
fn start_rejects_weak_settings_unless_they_are_allowed() {
    for (env, words) in [
        (vec![], "OWASP"),
        (
            vec![
                ("HASH_MEMORY_KIB", "19456"),
                ("SECRET_KEY", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
            ],
            "8 different characters",
        ),
        (
            vec![
                ("HASH_MEMORY_KIB", "19456"),
                ("SECRET_KEY", "development-only-0123456789-abcdefghij"),
                ("PUBLIC_URL", "https://auth.example.com"),
            ],
            "for development",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let env = [env, vec![("ALLOW_INSECURE", "false")]].concat();
        let complaint = refusal(folder.path(), &env);
        assert!(complaint.contains(words), "{env:?}: {complaint}");
        assert!(!folder.path().join("data").exists());
    }
}

#[test]
fn start_rejects_address_in_use_before_touching_the_database() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("bound").to_string();
    for option in ["API_ADDR", "OPS_ADDR"] {
        let folder = tempfile::tempdir().expect("a folder");
        let complaint = refusal(folder.path(), &[(option, &address)]);
        assert!(complaint.contains(option), "{complaint}");
        assert!(complaint.contains("in use"), "{complaint}");
        assert!(!folder.path().join("data").exists());
    }
}

#[test]
fn start_rejects_weak_admin_password() {
    let folder = tempfile::tempdir().expect("a folder");
    for (weak, rule) in [
        ("hunter2", "at least 8 characters"),
        ("Hunter@2024", "first that attackers try"),
        ("4dmin-hunter2", "made of your username"),
    ] {
        let complaint = refusal(folder.path(), &[("ADMIN_PASSWORD", weak)]);
        assert!(complaint.contains("administrator"), "{complaint}");
        assert!(complaint.contains(rule), "{weak}: {complaint}");
    }
}

#[tokio::test]
async fn start_rejects_damaged_or_exposed_key_file() {
    let folder = Server::builder().embedded().start().await.stop().await;
    let file = folder.path().join("data").join("secret.key");
    let sound = std::fs::read(&file).expect("the key");
    let expose = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&file, permissions).expect("set");
    };
    for garbled in [&b"hunter2"[..], b"", b"\xff\xfe\0hunter2", &sound[..20]] {
        std::fs::write(&file, garbled).expect("written");
        let complaint = refusal(folder.path(), &[]);
        assert!(complaint.contains("secret.key"), "{complaint}");
        assert!(complaint.contains("damaged"), "{complaint}");
    }
    std::fs::write(&file, &sound).expect("written");
    expose(0o644);
    let complaint = refusal(folder.path(), &[]);
    assert!(complaint.contains("chmod 600"), "{complaint}");
    expose(0o600);
    let server = Server::builder().embedded().dir(folder).start().await;
    server.admin().await;
}

#[tokio::test]
async fn start_rejects_changed_secret() {
    let first = "hunter2-the-first-secret-of-this-database";
    let builder = || Server::builder().embedded().env("SECRET_KEY", first);
    let server = builder().start().await;
    let folder = server.stop().await;
    for (env, what) in [
        (&[("SECRET_KEY", KEY)][..], "cannot be decrypted"),
        (&[], "secret.key is missing"),
    ] {
        let complaint = refusal(folder.path(), env);
        assert!(complaint.contains("SECRET_KEY"), "{complaint}");
        assert!(complaint.contains(what), "{complaint}");
    }
    // The attempt changed nothing.
    builder().dir(folder).start().await;
}

#[test]
fn start_rejects_unusable_data_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "").expect("written");
    let complaint = refusal(folder.path(), &[("DATA_DIR", "file/data")]);
    assert!(complaint.contains("DATA_DIR file/data"), "{complaint}");

    // Permissions do not stop root: for root, a folder of the kernel's stands in.
    let read_only = folder.path().join("read-only");
    std::fs::create_dir(&read_only).expect("made");
    let permissions = std::fs::Permissions::from_mode(0o500);
    std::fs::set_permissions(&read_only, permissions).expect("set");
    let writable = std::fs::write(read_only.join("probe"), "").is_ok();
    let data = if writable {
        Path::new("/proc/self").to_owned()
    } else {
        read_only
    };
    let data = data.to_str().expect("UTF-8");
    let complaint = refusal(folder.path(), &[("DATA_DIR", data)]);
    assert!(complaint.contains("DATA_DIR"), "{complaint}");
}

#[test]
fn ready_file_that_cannot_be_written_ends_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = program(folder.path());
    command
        .env("API_ADDR", "127.0.0.1:0")
        .env("OPS_ADDR", "127.0.0.1:0")
        .env("HASH_MEMORY_KIB", "64")
        .env("ALLOW_INSECURE", "true")
        .env("READY_FILE", "missing/ready.json");
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    let expected = "rbac-sentinel: READY_FILE missing/ready.json cannot be written: ";
    assert!(complaint.contains(expected), "{complaint}");
}

#[test]
fn start_rejects_file_that_is_not_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "these are notes, not a database\n".repeat(200)).expect("written");
    let url = format!("sqlite://{}", file.display());
    let complaint = refusal(folder.path(), &[("DATABASE_URL", &url)]);
    assert!(
        complaint.contains("the database cannot be opened"),
        "{complaint}"
    );
    let after = std::fs::read_to_string(&file).expect("still text");
    assert!(after.starts_with("these are notes"));
}
