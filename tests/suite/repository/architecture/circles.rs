//! Circles of imports between files. Files in a circle cannot be read, moved or tested alone.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{File, is_word, members, sources, word};

type Module = Vec<String>;

/// The full paths behind each `crate::`, `super::` and `self::`, groups taken apart; each step up is
/// the word `super`.
fn paths(code: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            let before = &code[..at];
            if !before.ends_with(|c| is_word(c) || c == ':' || c == '$') {
                expand(&code[at..], Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Adds the paths that begin here, and returns what follows them.
fn expand<'a>(text: &'a str, prefix: Vec<&'a str>, found: &mut Vec<Vec<&'a str>>) -> &'a str {
    let text = text.trim_start();
    let Some(mut group) = text.strip_prefix('{') else {
        let name = word(text);
        let rest = &text[name.len()..];
        let mut path = prefix;
        if !name.is_empty() {
            path.push(name);
        }
        return match rest.strip_prefix("::") {
            Some(rest) if !name.is_empty() => expand(rest, path, found),
            _ => {
                found.push(path);
                rest
            }
        };
    };
    loop {
        group = expand(group, prefix.clone(), found);
        let end = group.find([',', '}']).unwrap_or(group.len());
        match group[end..].strip_prefix(',') {
            Some(rest) if !rest.trim_start().starts_with('}') => group = rest,
            Some(rest) => return &rest[rest.find('}').map_or(rest.len(), |at| at + 1)..],
            None => return group.get(end + 1..).unwrap_or_default(),
        }
    }
}

/// The module that a path of a file in `from` begins in, and the names that follow.
fn absolute<'a>(from: &[String], path: &[&'a str]) -> (Module, Vec<&'a str>) {
    let ups = path.iter().take_while(|step| **step == "super").count();
    let (base, rest) = match path[0] {
        "crate" => (Module::new(), &path[1..]),
        "self" => (from.to_vec(), &path[1..]),
        _ => (
            from[..from.len().saturating_sub(ups)].to_vec(),
            &path[ups..],
        ),
    };
    (base, rest.to_vec())
}

struct Crate {
    files: BTreeMap<Module, File>,
}

impl Crate {
    /// The files below this folder, by their modules.
    fn new(folder: &str, files: Vec<File>) -> Self {
        let module = |file: &File| {
            let path = file.path.strip_prefix(folder)?.strip_suffix(".rs")?;
            let steps = path.split('/').filter(|step| *step != "mod");
            Some(steps.map(str::to_owned).collect::<Module>())
        };
        let files = files
            .into_iter()
            .filter_map(|file| Some((module(&file)?, file)))
            // The roots only list the modules.
            .filter(|(module, _)| {
                !matches!(module.first().map(String::as_str), Some("lib" | "main"))
            });
        Self {
            files: files.collect(),
        }
    }

    /// The file that defines the item that the names lead to, beginning in `base`.
    fn resolve(&self, mut base: Module, names: &[&str]) -> Option<Module> {
        let mut names = names.iter();
        loop {
            let name = names.next();
            let mut deeper = base.clone();
            deeper.extend(name.map(|name| (*name).to_owned()));
            if name.is_some() && self.files.contains_key(&deeper) {
                base = deeper;
                continue;
            }
            // A root that exports a name of one of its files.
            let exported = self.files.get(&base).zip(name).and_then(|(file, name)| {
                let code = file.shipped();
                let mut exports = paths(&code);
                exports.retain(|path| path[0] == "self" && path.len() > 2);
                let path = exports.into_iter().find(|path| path.last() == Some(name))?;
                let (from, rest) = absolute(&base, &path);
                self.resolve(from, &rest[..rest.len() - 1])
            });
            return exported.or_else(|| self.files.contains_key(&base).then_some(base));
        }
    }

    /// The files that each file names. A root and the files below it belong together.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let of = |from: &Module, file: &File| {
            let code = file.shipped();
            let paths = paths(&code);
            let named = paths.iter().filter_map(|path| {
                let (base, names) = absolute(from, path);
                self.resolve(base, &names)
            });
            named
                .filter(|to| !to.starts_with(from) && !from.starts_with(to))
                .collect()
        };
        let files = self.files.iter();
        files.map(|(from, file)| (from, of(from, file))).collect()
    }

    /// The files that remain when files without imports among the rest are removed repeatedly: each is in a
    /// circle or imports one.
    fn circles(&self) -> Vec<String> {
        let mut imports = self.imports();
        loop {
            let left: BTreeSet<Module> = imports.keys().map(|module| (*module).clone()).collect();
            let before = imports.len();
            imports.retain(|_, needed| needed.iter().any(|module| left.contains(module)));
            if imports.len() == before {
                break;
            }
        }
        let left: Vec<&Module> = imports.keys().copied().collect();
        let rows = imports.iter().map(|(from, to)| {
            let to = to.iter().filter(|to| left.contains(to));
            let to: Vec<String> = to.map(|to| to.join("::")).collect();
            format!("{} needs {}", from.join("::"), to.join(", "))
        });
        rows.collect()
    }
}

#[test]
fn no_files_import_one_another() {
    for (folder, files) in [
        ("src/", sources()),
        ("loadtest/src/", members()),
        ("grafana/src/", members()),
    ] {
        let files = Crate::new(folder, files);
        let imports: usize = files.imports().values().map(BTreeSet::len).sum();
        assert!(imports > 50, "{folder}: imports are not found");
        let circles = files.circles();
        assert!(circles.is_empty(), "{folder} has circles: {circles:#?}");
    }
}

#[test]
fn circle_of_two_files_is_found_behind_a_root() {
    let file = |path: &str, text: &str| File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let root = file(
        "src/a/mod.rs",
        "mod b;\nmod c;\npub use self::b::{self as x, B};\npub use self::c::C;\n",
    );
    let b = |text: &str| file("src/a/b.rs", text);
    let c = file("src/a/c.rs", "use super::{d, b::B};\n");
    let circles = |b: File| {
        let files = vec![
            file("src/a/mod.rs", &root.text),
            b,
            file("src/a/c.rs", &c.text),
        ];
        Crate::new("src/", files).circles()
    };
    assert_eq!(circles(b("use crate::error::Error;\n")), [""; 0]);
    let both = ["a::b needs a::c", "a::c needs a::b"];
    assert_eq!(circles(b("use super::c::C;\n")), both);
    assert_eq!(circles(b("use crate::a::{C, D};\n")), both);
    assert_eq!(circles(b("fn f(c: super::C) {}\n")), both);
}
