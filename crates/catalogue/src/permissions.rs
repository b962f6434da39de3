//! The permissions: their names on the wire, in metrics and in documentation.

/// Declares the registry of permissions, and a macro that lists their variants.
macro_rules! permissions {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $about:literal;)+) => {
        /// Something that a caller may be allowed to do. The registry is closed: a route names its
        /// permission by type, and metrics count by these names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[$meta])* $variant,)+ }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire, also the OAuth scope that names it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// A description for the documentation.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)+ }
            }
        }

        /// Calls a macro with the variants of [`permissions::Permission`](crate::permissions::Permission),
        /// separated by commas: for types that stand for one permission each.
        #[macro_export]
        macro_rules! for_each_permission {
            ($macro:ident) => { $macro!($($variant),+); };
        }
    };
}

permissions! {
    /// Use one's own account: held by everybody who is logged in.
    Authenticated = "authenticated", "Use your own account: everybody who is logged in may.";
    /// See the administrators' page.
    AdminAccess = "admin:access", "See the administrators' page.";
    /// Read accounts.
    UsersRead = "users:read", "List and read accounts.";
    /// Create, change, disable and delete accounts.
    UsersWrite = "users:write", "Create, change, disable and delete accounts.";
    /// Give and take roles.
    RolesAssign = "roles:assign", "Give roles to accounts and take them.";
    /// End other people's sessions.
    SessionsRevoke = "sessions:revoke", "End the sessions of other accounts.";
}
