//! What the page of Swagger UI has beside the framework's.

use crate::error::{Error, Result};

/// The title, and for readers in the dark the page with its colours inverted: Swagger UI has no dark
/// style of its own. Code is dark already.
pub const HEAD: &str = "<title>rbac-sentinel API</title>
    <style>
    @media (prefers-color-scheme: dark) {
        html { background: #fff; color-scheme: light; filter: invert(0.9) hue-rotate(180deg); }
        .microlight, .highlight-code, .curl-command, img { filter: invert(1) hue-rotate(180deg); }
        .curl-command .highlight-code { filter: none; }
    }
    </style>";

/// The last option that the framework sets.
const LAST_OPTION: &str = "deepLinking: true,";
/// Keeps the access token over a reload of the page, and nothing else that logs in: the interface would
/// keep the password and the refresh token, too, and needs neither again.
const OPTIONS: &str = r#"deepLinking: true,
        persistAuthorization: true,
        plugins: [() => ({
            statePlugins: { auth: { wrapActions: {
                authorizeOauth2: (original) => ({ auth, token }) => original({
                    auth: { ...auth, password: "" },
                    token: { access_token: token.access_token, token_type: token.token_type },
                }),
            } } },
        })],"#;

/// The page with these options.
///
/// # Errors
/// When the framework's page does not have the options that these follow: a defect.
pub fn with_options(html: &str) -> Result<String> {
    let (before, after) = html
        .rsplit_once(LAST_OPTION)
        .ok_or_else(|| Error::internal("the page of Swagger UI has no options"))?;
    Ok([before, OPTIONS, after].concat())
}
