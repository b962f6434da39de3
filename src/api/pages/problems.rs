//! The catalogue of problems: one page of all kinds, and one of each, which its type links to.

use std::fmt::Write as _;

use crate::api::problem::ProblemKind;

/// The page of all kinds.
pub fn list() -> String {
    let mut body = String::from(
        "<h1>Problems</h1>\n<p>Every error is described by <code>application/problem+json</code> \
         (RFC 9457); its <code>type</code> is a link to one of these. The token endpoints answer with \
         the error codes of OAuth 2.0 (RFC 6749) instead.</p>\n<dl>\n",
    );
    for kind in ProblemKind::ALL {
        let (code, status) = (kind.code(), kind.status().as_u16());
        let (title, meaning) = (kind.title(), kind.meaning());
        let _ = writeln!(
            body,
            "<dt id=\"{code}\"><a href=\"problems/{code}\">{status} {title}</a></dt><dd>{meaning}</dd>"
        );
    }
    body.push_str("</dl>\n");
    super::simple("Problems - rbac-sentinel", &body)
}

/// The page of one kind.
pub fn of(kind: ProblemKind) -> String {
    let (code, title, status) = (kind.code(), kind.title(), kind.status().as_u16());
    let (meaning, remedy, again) = (kind.meaning(), kind.remedy(), kind.retry().advice());
    let body = format!(
        "<h1>{title}</h1>\n<p>Status {status}, code <code>{code}</code></p>\n<dl>\n\
         <dt>What it means</dt><dd>{meaning}</dd>\n\
         <dt>What to do</dt><dd>{remedy}</dd>\n\
         <dt>Send it again?</dt><dd>{again}</dd>\n\
         </dl>\n<p><a href=\"../problems\">All problems</a></p>\n"
    );
    super::simple(&format!("{title} - rbac-sentinel"), &body)
}
