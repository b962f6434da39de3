//! Authorization, and the changes of accounts and roles.

use crate::metrics::label_set::label_set;

label_set! {
    /// What an authorization check decided.
    pub enum Decision ["outcome"] {
        /// Let through.
        Allow = ["allow"],
        /// Refused.
        Deny = ["deny"],
    }
}

label_set! {
    /// A caller's strongest role, folded into a closed set.
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
    /// A role given or taken.
    pub enum RoleAction ["action"] {
        /// Given.
        Grant = ["grant"],
        /// Taken.
        Revoke = ["revoke"],
    }
}

label_set! {
    /// What happened to an account, apart from its registration.
    pub enum UserAction ["action"] {
        /// Made by an administrator or the command line.
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
    /// Who did it.
    pub enum Actor ["actor"] {
        /// The account's owner.
        Owner = ["owner"],
        /// An administrator over the API.
        Admin = ["admin"],
        /// The command line, or the service itself at its first start.
        Operator = ["operator"],
    }
}
