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
    /// The decision about a question of another service, with its reason.
    pub enum AccessDecision ["decision", "reason"] {
        /// A role of the subject grants it.
        Granted = ["allow", "granted"],
        /// A role grants it under a condition, which holds.
        ConditionHolds = ["allow", "condition_holds"],
        /// No permission has this name.
        UnknownPermission = ["deny", "unknown_permission"],
        /// No role of the subject grants it for this resource.
        NotGranted = ["deny", "not_granted"],
        /// Roles grant it under conditions, of which none holds.
        ConditionFails = ["deny", "condition_fails"],
        /// The subject is a disabled account.
        SubjectDisabled = ["deny", "subject_disabled"],
        /// The item of a list of questions is none.
        Invalid = ["deny", "invalid"],
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
    /// A reading of the policy that had changed.
    pub enum PolicyReload ["outcome"] {
        /// It is in use.
        Done = ["done"],
        /// The one read before stays in use.
        Failed = ["failed"],
    }
}

label_set! {
    /// What another policy would change about a decision.
    pub enum Direction ["direction"] {
        /// It would allow what is denied.
        Gain = ["gain"],
        /// It would deny what is allowed.
        Loss = ["loss"],
    }
}

label_set! {
    /// A part of the policy.
    pub enum PolicyPart ["part"] {
        /// A permission.
        Permission = ["permission"],
        /// A role with its parents and grants.
        Role = ["role"],
        /// A set of roles that exclude each other.
        Exclusion = ["exclusion"],
        /// A type of registered entities.
        EntityType = ["entity_type"],
    }
}

label_set! {
    /// A change of a part of the policy.
    pub enum PolicyAction ["action"] {
        /// Created.
        Created = ["created"],
        /// Changed.
        Changed = ["changed"],
        /// Deleted.
        Deleted = ["deleted"],
    }
}

label_set! {
    /// An attempt of an account to reach beyond its own permissions.
    pub enum Escalation ["attempt"] {
        /// To grant a role with permissions that it does not hold.
        GrantRole = ["grant_role"],
        /// To add such permissions to a role.
        ChangeRole = ["change_role"],
        /// To register a permission that roles grant at once.
        RegisterPermission = ["register_permission"],
        /// To administer an account that holds more.
        ActOnAccount = ["act_on_account"],
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
