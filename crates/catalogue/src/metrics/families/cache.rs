//! The caches.

use metrics::{Counter, Gauge};

use super::buckets::NONE;
use super::families;
use crate::metrics::family::Family;
use crate::metrics::labels::{CacheLookup, CacheName, CacheResult, Rejection};

families! {
    CACHE_REQUESTS: Family<Counter, (CacheLookup, CacheResult)> = (
        "auth_cache_requests_total", "", "Cache lookups by result.", NONE);
    CACHE_ENTRIES: Family<Gauge, CacheName> = (
        "auth_cache_entries", "", "Entries in a local cache.", NONE);
    SHARED_CACHE_REJECTED: Family<Counter, Rejection> = (
        "auth_shared_cache_rejected_total", "",
        "Entries, epochs and messages in Redis that were rejected.", NONE);
}
