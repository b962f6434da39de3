//! The operations that the lab uses, by method and route template as the server labels them.

use goose::prelude::GooseMethod;

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident = $method:ident $verb:literal $template:literal,)*) => {
        /// An operation of the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Route {
            $($(#[$doc])* $name,)*
        }

        impl Route {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The HTTP method.
            #[must_use]
            pub const fn method(self) -> GooseMethod {
                match self {
                    $(Self::$name => GooseMethod::$method,)*
                }
            }

            /// The method as the server labels it.
            #[must_use]
            pub const fn verb(self) -> &'static str {
                match self {
                    $(Self::$name => $verb,)*
                }
            }

            /// The path with its parameters in braces.
            #[must_use]
            pub const fn template(self) -> &'static str {
                match self {
                    $(Self::$name => $template,)*
                }
            }
        }
    };
}

routes! {
    /// Makes an account.
    Register = Post "POST" "/register",
    /// Gives tokens for a password.
    Login = Post "POST" "/login",
    /// Gives the next tokens of a session.
    Refresh = Post "POST" "/refresh",
    /// Shows the own account.
    Me = Get "GET" "/users/me",
    /// Greets administrators.
    AdminOnly = Get "GET" "/admin-only",
    /// Shows a page of accounts.
    ListUsers = Get "GET" "/admin/users",
}

impl Route {
    /// Method and template, as in reports and labels.
    #[must_use]
    pub fn name(self) -> String {
        format!("{} {}", self.verb(), self.template())
    }
}
