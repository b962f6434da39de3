//! Rate limits, the devices that they trust, and what they write into the log.

mod devices;
mod source;
mod throttle;

pub use self::devices::{DEVICE_TTL, Device, Devices};
pub use self::source::Source;
pub use self::throttle::{LoginTicket, Named, Throttle};
