//! Registrations, logins and changes of passwords.

use metrics::Counter;

use super::buckets::NONE;
use super::families;
use crate::metrics::family::Family;
use crate::metrics::labels::{LoginMethod, LoginResult, PasswordChangeResult, RegistrationResult};

families! {
    REGISTRATIONS: Family<Counter, RegistrationResult> = (
        "auth_registrations_total", "", "Registrations by outcome.", NONE);
    LOGINS: Family<Counter, (LoginMethod, LoginResult)> = (
        "auth_logins_total", "", "Logins by outcome and reason.", NONE);
    PASSWORD_CHANGES: Family<Counter, PasswordChangeResult> = (
        "auth_password_changes_total", "", "Changes of one's own password by outcome and reason.", NONE);
}
