//! The permissions: their names on the wire, in metrics and in documentation.

/// Declares the registry of permissions, and a macro that lists their variants.
macro_rules! permissions {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $about:literal;)+) => {
        /// A permission. The registry is closed: routes name permissions by type, and metrics have
        /// their names as labels.
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
    /// Use one's own account: every logged-in caller may.
    Authenticated = "authenticated", "Use your own account: every logged-in caller may.";
    /// Read the administrators' page.
    AdminAccess = "admin:access", "Read the administrators' page.";
    /// Read accounts.
    UsersRead = "users:read", "List and read accounts.";
    /// Create, change, disable and delete accounts.
    UsersWrite = "users:write", "Create, change, disable and delete accounts.";
    /// Grant and revoke roles.
    RolesAssign = "roles:assign", "Grant roles to accounts and revoke them.";
    /// End the sessions of other accounts.
    SessionsRevoke = "sessions:revoke", "End the sessions of other accounts.";
    /// Read the policy.
    RolesRead = "roles:read", "Read roles, permissions, assignments and who holds them.";
    /// Change the policy.
    RolesWrite = "roles:write", "Create, change and delete roles and permissions, within your own permissions.";
    /// Grant what one does not hold.
    RolesAssignAny = "roles:assign_any", "Grant permissions that you do not hold, and administer accounts that hold them.";
    /// Ask for decisions.
    AuthzEvaluate = "authz:evaluate", "Ask whether a subject may do something with a resource.";
    /// Ask who may do what.
    AuthzSearch = "authz:search", "Search for who may do what, and ask why.";
}
