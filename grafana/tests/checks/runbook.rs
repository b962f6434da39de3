//! The runbook has a complete section for every alert, and all its references exist.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::event_names;
use catalogue::options::OPTIONS;
use grafana::generate;
use grafana::lint::{Document, Findings, Place, Shipped, anchors, check};

/// The parts of every section, in this order.
const PARTS: [&str; 5] = [
    "**Meaning.**",
    "**Impact.**",
    "**First query.**",
    "**Mitigation.**",
    "**Stop when.**",
];
/// The introduction.
const HEAD: &str = "how-to-read-this";
const PROMQL: &str = "```promql\n";

fn shipped() -> Shipped {
    Shipped::read(generate::folder()).expect("readable")
}

/// The sections by their anchors.
fn sections(runbook: &str) -> BTreeMap<String, String> {
    let parts = runbook.split("\n## ").skip(1);
    parts
        .map(|part| {
            let title = part.lines().next().unwrap_or_default();
            let anchor = anchors(&format!("## {title}")).pop_first();
            (anchor.expect("a heading"), part.to_owned())
        })
        .collect()
}

/// The alerts' names and severities, by the sections that they link to.
fn alerts(shipped: &Shipped) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for (file, text) in &shipped.rules {
        let document: Document = yaml_serde::from_str(text).expect(file);
        for rule in document.groups.into_iter().flat_map(|group| group.rules) {
            let Some(name) = rule.alert else { continue };
            let url = rule.annotations.get("runbook_url").expect("a link");
            let (page, anchor) = url.split_once('#').expect("an anchor");
            assert_eq!(page, "docs/runbook.md", "{name}");
            let severity = rule.labels["severity"].clone();
            all.entry(anchor.to_owned())
                .or_default()
                .insert((name, severity));
        }
    }
    all
}

#[test]
fn every_alert_has_a_section_and_every_section_an_alert() {
    let shipped = shipped();
    let alerts: BTreeSet<String> = alerts(&shipped).into_keys().collect();
    let mut sections: BTreeSet<String> = sections(&shipped.runbook).into_keys().collect();
    assert!(sections.remove(HEAD), "says how to read it");
    assert_eq!(alerts, sections);
}

#[test]
fn every_section_has_its_parts() {
    let shipped = shipped();
    for (anchor, text) in sections(&shipped.runbook) {
        if anchor == HEAD {
            continue;
        }
        let places: Vec<_> = PARTS.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some), "{anchor}: {places:?}");
        assert!(places.is_sorted(), "{anchor}: not in order");
        let (_, asked) = text.split_once(PARTS[2]).expect("found before");
        let (asked, _) = asked.split_once(PARTS[3]).expect("found before");
        assert!(asked.contains(PROMQL), "{anchor}: no query");
        for part in text.split("\n\n**").skip(1) {
            let said = part.split_once(".**").map(|(_, said)| said.trim());
            assert!(said.is_some_and(|said| said.len() > 4), "{anchor}: {part}");
        }
    }
}

/// The table in the introduction: alerts, severities, section.
#[test]
fn the_table_names_every_alert_once() {
    let shipped = shipped();
    let sections = sections(&shipped.runbook);
    let rows = sections[HEAD]
        .lines()
        .filter(|line| line.starts_with("| Auth"));
    let mut listed = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, names, severities, section, _] = cells.as_slice() else {
            panic!("{row}");
        };
        let anchor = section
            .split_once("(#")
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        let names: BTreeSet<String> = names.split(", ").map(ToOwned::to_owned).collect();
        let severities: BTreeSet<String> = severities
            .split(", ")
            .filter_map(|severity| severity.split(' ').next())
            .map(ToOwned::to_owned)
            .collect();
        let anchor = anchor.unwrap_or_else(|| panic!("{row}")).to_owned();
        assert!(
            listed.insert(anchor, (names, severities)).is_none(),
            "{row}"
        );
    }
    let there_are: BTreeMap<_, (BTreeSet<_>, BTreeSet<_>)> = alerts(&shipped)
        .into_iter()
        .map(|(anchor, alerts)| (anchor, alerts.into_iter().unzip()))
        .collect();
    assert_eq!(listed, there_are);
}

#[test]
fn queries_name_known_metrics() {
    let shipped = shipped();
    let known = shipped.known().expect("rules");
    let mut findings = Findings::new();
    let mut count = 0;
    for (anchor, text) in sections(&shipped.runbook) {
        findings.at("runbook.md", &anchor);
        for block in text.split(PROMQL).skip(1) {
            let (query, _) = block.split_once("```").expect("an end of the block");
            check(query.trim(), Place::Rule, &known, &mut findings);
            count += 1;
        }
    }
    let list: Vec<String> = findings
        .into_list()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(list.is_empty(), "{}", list.join("\n"));
    assert!(count > 28, "{count} queries");
}

#[test]
fn internal_links_resolve() {
    let shipped = shipped();
    let anchors = anchors(&shipped.runbook);
    for link in shipped.runbook.split("](#").skip(1) {
        let (anchor, _) = link.split_once(')').expect("an end of the link");
        assert!(anchors.contains(anchor), "there is no #{anchor}");
    }
    for link in shipped.runbook.split("/d/").skip(1) {
        let (uid, _) = link.split_once(')').expect("an end of the link");
        let uid = format!("\"uid\": \"{uid}\"");
        let known = shipped
            .dashboards
            .iter()
            .any(|(_, json)| json.contains(&uid));
        assert!(known, "there is no dashboard with {uid}");
    }
}

/// Names in capitals, such as `HASH_DEADLINE`, are settings.
#[test]
fn every_setting_exists() {
    let shipped = shipped();
    let words = shipped
        .runbook
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> = words
        .filter(|word| word.contains('_') && word.chars().all(|c| !c.is_ascii_lowercase()))
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(OPTIONS.contains(&name), "there is no setting {name}");
    }
}

/// Names in italics are panels.
#[test]
fn every_panel_exists() {
    let shipped = shipped();
    let mut titles = BTreeSet::new();
    for (file, text) in &shipped.dashboards {
        let json: serde_json::Value = serde_json::from_str(text).expect(file);
        let panels = json["panels"].as_array().expect("panels");
        titles.extend(
            panels
                .iter()
                .filter_map(|panel| panel["title"].as_str())
                .map(ToOwned::to_owned),
        );
    }
    let sections = sections(&shipped.runbook);
    let texts = sections.iter().filter(|(anchor, _)| *anchor != HEAD);
    let mut count = 0;
    for (anchor, text) in texts {
        for paragraph in text.split("\n\n").filter(|text| !text.starts_with("```")) {
            let plain = paragraph.replace("**", "").replace('\n', " ");
            for name in plain.split('*').skip(1).step_by(2) {
                assert!(titles.contains(name), "{anchor}: there is no panel {name}");
                count += 1;
            }
        }
    }
    assert!(count > 40, "{count} panels");
}

/// Events of the log that the runbook names exist.
#[test]
fn every_event_exists() {
    let shipped = shipped();
    let words = shipped
        .runbook
        .split(|c: char| !c.is_ascii_lowercase() && c != '_');
    let prefixes = ["authn_", "authz_", "sys_", "excess_", "user_c"];
    let named: BTreeSet<&str> = words
        .filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)))
        .collect();
    assert!(named.len() > 6, "{named:?}");
    for event in named {
        assert!(
            event_names::ALL.contains(&event),
            "there is no event {event}"
        );
    }
}
