//! The flows: register, log in, refresh, log out, revoke a token, change the password.
//!
//! No HTTP and no SQL here. Each flow is a struct that owns the services it uses, and has one exit
//! where its event is emitted, whatever the outcome.

mod client_mark;
pub mod login;
mod logout;
mod password_change;
pub mod refresh;
mod register;
mod revoke;

pub use self::client_mark::{ClientMarks, RefreshingClient};
pub use self::login::Login;
pub use self::logout::Logout;
pub use self::password_change::PasswordChange;
pub use self::refresh::Refresh;
pub use self::register::Register;
pub use self::revoke::Revoke;
