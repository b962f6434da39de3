//! The metrics of several replicas as those of one server: what is counted adds up, and so do capacities; what
//! all of them say of the same thing is said once.

use std::collections::BTreeMap;

use testkit::exposition::{Exposition, Labels, Series};

/// What each replica says of what they share, or of a moment or a share that does not add up: the largest counts.
const ALIKE: [&str; 5] = [
    "_info",
    "_timestamp_seconds",
    "_ratio",
    "auth_users",
    "auth_sessions_active",
];
/// What holds of all only if it holds of each: the least counts.
const OF_EACH: [&str; 2] = ["auth_ready", "auth_dependency_up"];

/// The sum of these scrapes. The sum of the moments at which the processes began differs as soon as one of them is
/// another.
#[must_use]
pub fn summed(mut each: Vec<Exposition>) -> Exposition {
    if each.len() == 1 {
        return each.remove(0);
    }
    let mut sum = Exposition::default();
    let mut places: BTreeMap<(String, Labels), usize> = BTreeMap::new();
    for exposition in each {
        // That of the largest: how much one scrape is.
        sum.bytes = sum.bytes.max(exposition.bytes);
        sum.help.extend(exposition.help);
        sum.kind.extend(exposition.kind);
        for series in exposition.series {
            let key = (series.name.clone(), series.labels.clone());
            if let Some(place) = places.get(&key) {
                let before = &mut sum.series[*place];
                before.value = together(before, series.value);
            } else {
                places.insert(key, sum.series.len());
                sum.series.push(series);
            }
        }
    }
    sum
}

fn together(series: &Series, value: f64) -> f64 {
    let name = series.name.as_str();
    if OF_EACH.contains(&name) {
        series.value.min(value)
    } else if ALIKE.iter().any(|end| name.ends_with(end)) {
        series.value.max(value)
    } else {
        series.value + value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Exposition {
        Exposition::parse(text).expect("series")
    }

    #[test]
    fn counters_histograms_and_capacities_add_up() {
        let one = look(
            "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4.5\nh_count 3\n\
             c_total{a=\"x\"} 1\nauth_password_hash_permits 2\nprocess_resident_memory_bytes 100\n",
        );
        let other = look(
            "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 5\nh_sum 1\nh_count 5\n\
             c_total{a=\"y\"} 7\nauth_password_hash_permits 4\nprocess_resident_memory_bytes 50\nlonger 1\n",
        );
        let bytes = other.bytes;
        let sum = summed(vec![one, other]);
        for (name, labels, value) in [
            ("h_bucket", &[("le", "1")][..], 7.0),
            ("h_bucket", &[("le", "+Inf")], 8.0),
            ("h_sum", &[], 5.5),
            ("h_count", &[], 8.0),
            ("c_total", &[("a", "x")], 1.0),
            ("c_total", &[("a", "y")], 7.0),
            ("auth_password_hash_permits", &[], 6.0),
            ("process_resident_memory_bytes", &[], 150.0),
        ] {
            assert!(
                (sum.sum(name, labels) - value).abs() < 1e-9,
                "{name} {labels:?}"
            );
        }
        assert_eq!(sum.kind["h"], "histogram");
        assert_eq!(sum.bytes, bytes);
    }

    #[test]
    fn what_replicas_say_of_the_same_thing_is_said_once() {
        let one = "auth_build_info{version=\"1\"} 1\nauth_users{state=\"enabled\"} 9\nauth_ready 1\n\
                   process_start_time_seconds 100\ntokio_runtime_busy_ratio 0.2\n";
        let other = one
            .replace("auth_ready 1", "auth_ready 0")
            .replace("seconds 100", "seconds 140")
            .replace("0.2", "0.7");
        let sum = summed(vec![look(one), look(&other)]);
        for (name, value) in [
            ("auth_build_info", 1.0),
            ("auth_users", 9.0),
            ("auth_ready", 0.0),
            ("tokio_runtime_busy_ratio", 0.7),
            ("process_start_time_seconds", 240.0),
        ] {
            assert!((sum.sum(name, &[]) - value).abs() < 1e-9, "{name}");
        }
    }

    #[test]
    fn one_replica_is_as_it_says() {
        let text = "auth_users 3\nc_total 5\n";
        assert_eq!(summed(vec![look(text)]).series, look(text).series);
    }
}
