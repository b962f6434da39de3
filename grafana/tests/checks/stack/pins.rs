//! Images and actions that cannot change unnoticed.

use super::files::Stack;

/// An image whose tags are no versions: `scripts/pin-images` gives it its digest.
const WITHOUT_VERSIONS: &str = "gcr.io/distroless/cc-debian13:nonroot";

/// Images have a full version, or that and a digest: `latest`, no tag and a major version alone change
/// over time.
pub fn is_pinned(image: &str) -> bool {
    let (image, digest) = match image.split_once('@') {
        Some((image, digest)) => (image, Some(digest)),
        None => (image, None),
    };
    let is_digest = |digest: &str| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return false;
    }
    if image == WITHOUT_VERSIONS {
        return true;
    }
    let tag = image
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'));
    let tag = tag.map_or("", |(_, tag)| tag.strip_prefix('v').unwrap_or(tag));
    let version = tag.split('-').next().unwrap_or_default();
    version.contains('.')
        && version
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The images that stages begin with, but for earlier stages.
pub fn dockerfile(stack: &Stack) -> Vec<String> {
    let mut stages = Vec::new();
    let mut faults = Vec::new();
    for line in stack.dockerfile.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["FROM", image, rest @ ..] = words.as_slice() else {
            continue;
        };
        if !stages.contains(image) && !is_pinned(image) {
            faults.push(format!("Dockerfile: image {image} is not pinned"));
        }
        if let [_, stage] = rest {
            stages.push(*stage);
        }
    }
    if stages.is_empty() {
        faults.push("Dockerfile: no stage was found".to_owned());
    }
    faults
}

/// Actions are pinned to commits, with the tag in a comment.
pub fn actions(stack: &Stack) -> Vec<String> {
    let uses: Vec<&str> = stack
        .workflow
        .lines()
        .filter_map(|line| {
            line.trim_start()
                .trim_start_matches("- ")
                .strip_prefix("uses: ")
        })
        .collect();
    let is_pinned = |action: &str| {
        let (reference, tag) = action.split_once(" # v").unwrap_or_default();
        let (_, commit) = reference.split_once('@').unwrap_or_default();
        commit.len() == 40
            && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
            && tag.contains('.')
    };
    let mut faults: Vec<String> = uses
        .iter()
        .filter(|action| !is_pinned(action))
        .map(|action| format!("ci.yml: {action} is not pinned to a commit"))
        .collect();
    if uses.is_empty() {
        faults.push("ci.yml: no action was found".to_owned());
    }
    faults
}
