//! Rate limits, trusted devices, and the throttle of log lines.

mod devices;
mod source;
mod throttle;

pub use self::devices::{DEVICE_TTL, Device, Devices};
pub use self::source::Source;
pub use self::throttle::{LoginTicket, Named, Throttle};
