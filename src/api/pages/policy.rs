//! The content security policies of the pages: each names the scripts of its page by their hashes.

use aws_lc_rs::digest::{Digest, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// SHA-256.
pub fn digest(bytes: &[u8]) -> Digest {
    aws_lc_rs::digest::digest(&SHA256, bytes)
}

/// For a simple page: only its own style.
pub fn of_page(html: &str) -> String {
    policy(&[&format!("style-src {}", hashes(html, "style"))])
}

/// For a user interface of the OpenAPI document: its own scripts, and requests to this host. Both
/// interfaces create styles at run time, and Redoc a worker for its search.
pub fn of_interface(html: &str) -> String {
    policy(&[
        &format!("script-src {}", hashes(html, "script")),
        "style-src 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src data:",
        "connect-src 'self'",
        "worker-src blob:",
    ])
}

/// For a document that is not a page.
pub fn of_document() -> String {
    policy(&[])
}

fn policy(allowed: &[&str]) -> String {
    let always = [
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ];
    let directives = ["default-src 'none'"].iter().chain(allowed).chain(&always);
    directives.copied().collect::<Vec<_>>().join("; ")
}

/// The sources that allow the inline elements of this name: hashes of their contents.
fn hashes(html: &str, element: &str) -> String {
    let (opens, closes) = (format!("<{element}"), format!("</{element}>"));
    let mut sources = Vec::new();
    let mut rest = html;
    while let Some((_, begun)) = rest.split_once(&opens) {
        let Some((content, after)) = begun
            .split_once('>')
            .and_then(|(_, inside)| inside.split_once(&closes))
        else {
            break;
        };
        let hash = STANDARD.encode(digest(content.as_bytes()));
        sources.push(format!("'sha256-{hash}'"));
        rest = after;
    }
    sources.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_inline_script_is_named_by_its_hash() {
        let html = "<style>a</style><script charset=\"UTF-8\">alert('<script>')</script>\n<script>\n</script>";
        // printf "alert('<script>')" | openssl dgst -sha256 -binary | base64
        let first = "'sha256-RvjnucC+kLj48OR1b/w53NAAxP2K/xrUkAiMEjy5faU='";
        let second = "'sha256-AbpHGcgLb+kRsJGnwFEktk7uzpZOCcBY74+YBdrKVGs='";
        assert_eq!(hashes(html, "script"), format!("{first} {second}"));
        let policy = of_interface(html);
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
        assert!(!policy.contains("eval"), "{policy}");
    }
}
