//! A scrape contains exactly the metrics of the catalogue, from the start.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use rbac_sentinel::testing::metrics::{CATALOGUE, Kind, RedisOperation};
use rbac_sentinel::testing::rbac::Permission;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::document::operations;
use crate::harness::Server;
use testkit::exposition::{Exposition, Series};

/// Requests with many outcomes, so that series created later are seen, too.
async fn provoke(server: &Server) {
    let user = server.user("alice").await;
    let admin = server.admin().await;
    let anon = server.anon();
    for operation in operations() {
        for client in [&anon, &user, &admin] {
            let _ = operation.request(client).send().await;
        }
    }
    anon.login("alice", "wrong").await;
    anon.get("/nothing").await;
    anon.post("/users/me", &json!({})).await;
    anon.token("hunter2").get("/users/me").await;
}

/// A server's metrics at its start, and after requests with many outcomes.
struct Scrapes {
    start: Exposition,
    later: Exposition,
    /// The text of the later one.
    text: String,
}

/// The scrapes of one server, which all tests here read.
async fn scrapes() -> &'static Scrapes {
    static SCRAPES: OnceCell<Scrapes> = OnceCell::const_new();
    let scrape = async || {
        let server = Server::builder().env("CANARY", "on").start().await;
        let start = server.scrape().await;
        provoke(&server).await;
        let text = server.metrics().await.0;
        Scrapes {
            start,
            later: Exposition::parse(&text).expect("a scrape"),
            text,
        }
    };
    SCRAPES.get_or_init(scrape).await
}

#[tokio::test]
async fn every_metric_of_the_catalogue_is_exported_from_the_start() {
    let scrape = &scrapes().await.start;
    for metric in CATALOGUE {
        let desc = metric.desc();
        let kind = match desc.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert_eq!(
            scrape.kind.get(desc.name).map(String::as_str),
            Some(kind),
            "{}",
            desc.name
        );
        assert_eq!(
            scrape.help.get(desc.name).map(String::as_str),
            Some(desc.help),
            "{}",
            desc.name
        );
        let name = match desc.kind {
            Kind::Histogram => format!("{}_count", desc.name),
            _ => desc.name.to_owned(),
        };
        assert!(scrape.of(&name).count() > 0, "{} has no series", desc.name);
    }
}

#[tokio::test]
async fn closed_labels_export_every_value_from_the_start() {
    let scrape = &scrapes().await.start;
    for metric in CATALOGUE {
        let desc = metric.desc();
        let suffix = if desc.kind == Kind::Histogram {
            "_count"
        } else {
            ""
        };
        let name = format!("{}{suffix}", desc.name);
        for label in metric.labels() {
            for value in label.values {
                assert!(
                    scrape
                        .of(&name)
                        .any(|series| series.label(label.name) == value),
                    "{name} has no series with {}={value}",
                    label.name
                );
            }
        }
    }
}

#[tokio::test]
async fn every_exported_metric_is_in_the_catalogue() {
    let scrape = &scrapes().await.later;
    let declared: BTreeMap<_, _> = CATALOGUE
        .iter()
        .map(|metric| (metric.desc().name, metric.labels()))
        .collect();
    for series in &scrape.series {
        let family = scrape.family(&series.name);
        let labels = declared
            .get(family)
            .unwrap_or_else(|| panic!("{} is not in the catalogue", series.name));
        let mut names: BTreeSet<&str> = labels.iter().map(|label| label.name).collect();
        if series.name.ends_with("_bucket") {
            names.insert("le");
        }
        let exported: BTreeSet<&str> = series.labels.keys().map(String::as_str).collect();
        assert!(exported.is_subset(&names), "{series:?}");
        // Optional labels are left out when they are empty.
        for missing in names.difference(&exported) {
            let mut labels = labels.iter();
            let can_be =
                labels.any(|label| label.name == *missing && label.bound.contains("empty"));
            assert!(can_be, "{series:?} lacks {missing}");
        }
        for label in labels.iter().filter(|label| !label.values.is_empty()) {
            let value = series.label(label.name);
            assert!(
                label.values.contains(&value),
                "{series:?}: {value} is not declared"
            );
        }
    }
}

#[tokio::test]
async fn open_labels_stay_within_their_bounds() {
    let scrape = &scrapes().await.later;
    let mut routes: BTreeSet<String> = ["unmatched", "/", "/docs", "/redoc"]
        .into_iter()
        .chain(["/openapi.json", "/openapi.yaml"])
        .chain(["/problems", "/problems/{code}"])
        .map(str::to_owned)
        .collect();
    routes.extend(operations().into_iter().map(|operation| operation.template));
    let permissions: BTreeSet<&str> = Permission::ALL.iter().map(|known| known.name()).collect();
    for series in &scrape.series {
        let within = |name: &str, bound: &dyn Fn(&str) -> bool| {
            let sound = series.labels.get(name).is_none_or(|value| bound(value));
            assert!(sound, "{series:?}: {name}");
        };
        within("http_route", &|value| routes.contains(value));
        // Those of other services have labels of their own, up to 200; no other test registers any here.
        let shared = |value: &str| ["other", "unknown"].contains(&value);
        within("permission", &|value| {
            permissions.contains(value) || shared(value)
        });
        within("role", &|value| {
            ["admin", "user", "none", "custom"].contains(&value)
        });
        within("http_response_status_code", &|value| {
            value.is_empty()
                || value
                    .parse()
                    .is_ok_and(|status: u16| (200..600).contains(&status))
        });
        within("db_query_summary", &|value| {
            if series.labels["db_system_name"] == "redis" {
                return RedisOperation::ALL
                    .iter()
                    .any(|known| known.word() == value);
            }
            rbac_sentinel::testing::store::sql::all().any(|statement| statement.name == value)
        });
    }
}

#[tokio::test]
async fn histograms_have_exactly_the_declared_buckets() {
    let scrape = &scrapes().await.later;
    assert!(
        !scrape.kind.values().any(|kind| kind == "summary"),
        "a histogram became a summary"
    );
    for metric in CATALOGUE
        .iter()
        .filter(|metric| metric.desc().kind == Kind::Histogram)
    {
        let desc = metric.desc();
        let mut by_labels: BTreeMap<_, Vec<&Series>> = BTreeMap::new();
        let name = format!("{}_bucket", desc.name);
        for series in scrape.of(&name) {
            let mut labels = series.labels.clone();
            labels.remove("le");
            by_labels.entry(labels).or_default().push(series);
        }
        let count = format!("{}_count", desc.name);
        assert_eq!(scrape.of(&count).count(), by_labels.len(), "{}", desc.name);
        for (labels, buckets) in by_labels {
            let bounds: Vec<f64> = buckets
                .iter()
                .map(|series| {
                    series
                        .label("le")
                        .replace("+Inf", "inf")
                        .parse()
                        .expect("a bound")
                })
                .collect();
            let expected: Vec<f64> = desc
                .buckets
                .iter()
                .copied()
                .chain([f64::INFINITY])
                .collect();
            assert_eq!(bounds, expected, "{} {labels:?}", desc.name);
            assert!(
                buckets.is_sorted_by(|a, b| a.value <= b.value),
                "{} {labels:?} falls",
                desc.name
            );
            let total = scrape.of(&count).find(|series| series.labels == labels);
            assert_eq!(
                buckets.last().map(|last| last.value),
                total.map(|total| total.value),
                "{} {labels:?}: +Inf is not the count",
                desc.name
            );
        }
    }
}

#[tokio::test]
#[ignore = "needs promtool: scripts/test"]
async fn promtool_accepts_the_scrape() {
    let text = &scrapes().await.text;
    let promtool = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
    let mut child = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "{promtool} does not start ({error}): install Prometheus, which brings promtool, or \
                 name it in PROMTOOL"
            )
        });
    let mut stdin = child.stdin.take().expect("piped");
    // From a thread of its own: promtool may write before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("promtool ends");
    writer.join().expect("joins").expect("promtool reads");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}
