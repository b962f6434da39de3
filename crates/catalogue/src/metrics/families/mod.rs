//! The metrics, a file a domain. A new domain is a file here and a line in [`PARTS`].

mod access;
mod auth;
mod buckets;
mod cache;
mod database;
mod dependencies;
mod hashing;
mod http;
mod jobs;
mod limits;
mod probe;
mod process;
mod tokens;

use super::family::Metric;

pub use access::*;
pub use auth::*;
pub use cache::*;
pub use database::*;
pub use dependencies::*;
pub use hashing::*;
pub use http::*;
pub use jobs::*;
pub use limits::*;
pub use probe::*;
pub use process::*;
pub use tokens::*;

/// Declares the families of a domain, and lists them as its `FAMILIES`.
macro_rules! families {
    ($($ident:ident: $ty:ty = ($($arg:expr),+ $(,)?);)+) => {
        $(
            #[doc = concat!("See the catalogue: `", stringify!($ident), "`.")]
            pub static $ident: $ty = <$ty>::new($($arg),+);
        )+
        pub(super) static FAMILIES: &[&dyn $crate::metrics::Metric] = &[$(&$ident),+];
    };
}
use families;

/// The domains, in the order of the documentation.
static PARTS: [&[&dyn Metric]; 12] = [
    http::FAMILIES,
    auth::FAMILIES,
    hashing::FAMILIES,
    tokens::FAMILIES,
    jobs::FAMILIES,
    access::FAMILIES,
    limits::FAMILIES,
    database::FAMILIES,
    dependencies::FAMILIES,
    cache::FAMILIES,
    probe::FAMILIES,
    process::FAMILIES,
];

/// How many families there are.
const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

/// Every family that the service exports, in the order of the documentation.
pub static CATALOGUE: &[&dyn Metric] = &{
    let mut all = [PARTS[0][0]; COUNT];
    let (mut next, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut at = 0;
        while at < PARTS[part].len() {
            all[next] = PARTS[part][at];
            next += 1;
            at += 1;
        }
        part += 1;
    }
    all
};
