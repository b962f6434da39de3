//! The operations that the lab uses, as the catalogue describes them.

use catalogue::endpoints::{self, Endpoint};
use catalogue::metrics::Method;
use goose::prelude::GooseMethod;

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident = $endpoint:ident,)*) => {
        /// An operation of the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Route {
            $($(#[$doc])* $name,)*
        }

        impl Route {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            const fn endpoint(self) -> Endpoint {
                match self {
                    $(Self::$name => endpoints::$endpoint,)*
                }
            }
        }
    };
}

routes! {
    /// Creates an account.
    Register = REGISTER,
    /// Gives tokens for a password.
    Login = LOGIN,
    /// Gives the next tokens of a session.
    Refresh = REFRESH,
    /// Shows the own account.
    Me = READ_ME,
    /// Greets administrators.
    AdminOnly = ADMIN_ONLY,
    /// Shows a page of accounts.
    ListUsers = LIST_USERS,
    /// Shows the own sessions.
    ListSessions = LIST_MY_SESSIONS,
    /// Changes the own account.
    UpdateMe = UPDATE_ME,
    /// Shows the keys that verify tokens.
    Keys = JWKS,
}

impl Route {
    /// The HTTP method.
    #[must_use]
    pub const fn method(self) -> GooseMethod {
        match self.endpoint().method {
            Method::Post => GooseMethod::Post,
            Method::Put => GooseMethod::Put,
            Method::Patch => GooseMethod::Patch,
            Method::Delete => GooseMethod::Delete,
            Method::Head => GooseMethod::Head,
            Method::Get | Method::Options | Method::Other => GooseMethod::Get,
        }
    }

    /// The method as the server labels it.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        self.endpoint().method.word()
    }

    /// The path with its parameters in braces.
    #[must_use]
    pub const fn template(self) -> &'static str {
        self.endpoint().template
    }

    /// The operation of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|route| route.name() == name)
    }

    /// Method and template, as in reports and labels.
    #[must_use]
    pub fn name(self) -> String {
        format!("{} {}", self.verb(), self.template())
    }
}
