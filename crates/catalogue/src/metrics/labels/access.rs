//! Authorization, and the changes of accounts and roles.

use crate::metrics::label_set::label_set;

label_set! {
    /// The decision of an authorization check.
    pub enum Decision ["outcome"] {
        /// Allowed.
        Allow = ["allow"],
        /// Refused.
        Deny = ["deny"],
    }
}

label_set! {
    /// A caller's strongest role, mapped to a closed set.
    pub enum RoleLabel ["role"] {
        /// The built-in administrator.
        Admin = ["admin"],
        /// The built-in user.
        User = ["user"],
        /// No role at all.
        None = ["none"],
        /// Any role that is not built in.
        Custom = ["custom"],
    }
}

label_set! {
    /// Whether a role was given or taken.
    pub enum RoleAction ["action"] {
        /// Granted.
        Grant = ["grant"],
        /// Revoked.
        Revoke = ["revoke"],
    }
}

label_set! {
    /// A change of an account, apart from its registration.
    pub enum UserAction ["action"] {
        /// Created by an administrator or the command line.
        Created = ["created"],
        /// Username or e-mail changed.
        Updated = ["updated"],
        /// Disabled.
        Disabled = ["disabled"],
        /// Enabled again.
        Enabled = ["enabled"],
        /// Deleted.
        Deleted = ["deleted"],
    }
}

label_set! {
    /// The origin of a change.
    pub enum Actor ["actor"] {
        /// The account's owner.
        Owner = ["owner"],
        /// An administrator over the API.
        Admin = ["admin"],
        /// The command line, or the service itself at its first start.
        Operator = ["operator"],
    }
}
