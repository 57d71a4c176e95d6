//! The rules of the house that no compiler checks: who may import whom, what the pure crate must not touch,
//! how long a file may be.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// A file is one concept; tests in files of their own may be longer.
const MAX_LINES: usize = 460;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`, with paths relative to it.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    let base = root().join(folder);
    let relative = |(path, text): (PathBuf, String)| (path.strip_prefix(&base).unwrap().to_owned(), text);
    let found: Vec<_> = found.into_iter().map(relative).collect();
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The module a file belongs to: the first part of its path.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Lines of code: no comments, nothing of a `mod tests` at the end.
fn code(text: &str) -> String {
    let text = text.split("\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The modules that `text` names as `crate::NAME` or inside `use crate::{...}`.
fn imports(text: &str) -> Vec<String> {
    let text = code(text).replace("use crate::{", "use crate::");
    let names = text.split("crate::").skip(1);
    let name = |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    names.map(name).collect()
}

/// Asserts that each module imports only from those listed behind it.
fn check_directions(folder: &str, rules: &[(&str, &[&str])]) {
    for (path, text) in sources(folder) {
        let module = module(&path);
        let of_tests = path.components().any(|part| part.as_os_str() == "tests");
        if matches!(module.as_str(), "lib" | "main") || of_tests {
            continue;
        }
        let Some((_, allowed)) = rules.iter().find(|(name, _)| *name == module) else {
            panic!("{folder}/{}: a module that tests/tidy.rs does not know", path.display());
        };
        for import in imports(&text) {
            let known = rules.iter().any(|(name, _)| *name == import);
            assert!(
                !known || import == module || allowed.contains(&import.as_str()),
                "{folder}/{}: {module} must not import {import}",
                path.display()
            );
        }
    }
}

#[test]
fn imports_in_media_go_one_way() {
    const BASE: &[&str] = &["error", "time", "source", "reader", "colour"];
    const CONTAINER: &[&str] = &[
        "error",
        "bit_rate",
        "time",
        "source",
        "reader",
        "colour",
        "codec",
        "track",
        "picture",
        "chapters",
        "attachment",
    ];
    const MOVIE: &[&str] =
        &["bit_rate", "error", "time", "source", "track", "chapters", "attachment", "mp4", "mkv"];
    const PLAN: &[&str] = &["error", "time", "track", "movie"];
    const UNITS: &[&str] = &["error", "time", "source", "track", "movie", "plan"];
    const OUTPUT: &[&str] = &[
        "error",
        "time",
        "source",
        "reader",
        "colour",
        "codec",
        "track",
        "movie",
        "plan",
        "rendition",
        "access_units",
        "language",
    ];
    const PRESENTATION: &[&str] = &[
        "error",
        "time",
        "source",
        "track",
        "movie",
        "plan",
        "rendition",
        "access_units",
        "ts",
        "cmaf",
        "text",
    ];
    const PLAYLIST: &[&str] = &[
        "error",
        "time",
        "colour",
        "codec",
        "track",
        "chapters",
        "movie",
        "plan",
        "rendition",
        "presentation",
        "iframes",
        "language",
    ];
    check_directions(
        "media/src",
        &[
            ("error", &[]),
            ("time", &[]),
            ("colour", &[]),
            ("language", &[]),
            ("source", &["error"]),
            ("reader", &["error"]),
            ("codec", BASE),
            ("attachment", &[]),
            ("chapters", &["time"]),
            ("bit_rate", &["track"]),
            ("track", &["time", "codec", "colour"]),
            ("picture", &["error", "colour", "codec", "track"]),
            ("rendition", &["track"]),
            ("mp4", CONTAINER),
            ("mkv", CONTAINER),
            ("movie", MOVIE),
            ("scan", &["error", "source", "movie", "mp4", "mkv"]),
            ("plan", PLAN),
            ("access_units", UNITS),
            ("ts", OUTPUT),
            ("cmaf", OUTPUT),
            ("text", OUTPUT),
            ("presentation", PRESENTATION),
            (
                "iframes",
                &[
                    "error",
                    "time",
                    "source",
                    "track",
                    "movie",
                    "plan",
                    "rendition",
                    "presentation",
                    "ts",
                    "cmaf",
                ],
            ),
            ("hls", PLAYLIST),
        ],
    );
}

#[test]
fn imports_in_the_server_go_one_way() {
    check_directions(
        "src",
        &[
            ("error", &[]),
            ("container", &[]),
            ("config", &["error", "container"]),
            ("report", &[]),
            ("local", &["error", "container", "report"]),
            ("range_reader", &["error"]),
            ("torrent", &["error", "range_reader"]),
            ("playback", &["error", "container", "range_reader", "report"]),
            ("http", &["error", "range_reader", "playback", "torrent", "report"]),
            ("serve", &[]),
        ],
    );
}

#[test]
fn libraries_stay_in_their_place() {
    for (path, text) in sources("src") {
        let (module, code) = (module(&path), code(&text));
        let only = |library: &str, place: &str| {
            let named = code.contains(&format!("{library}::")) || code.contains(&format!("use {library}"));
            assert!(!named || module == place, "src/{}: {library} belongs to {place}", path.display());
        };
        only("librqbit", "torrent");
        only("librqbit_core", "torrent");
        only("warp", "http");
        let names_media = code.contains("media::") || code.contains("use media");
        let allowed = ["playback", "local", "report", "container"];
        assert!(!names_media || allowed.contains(&module.as_str()), "src/{}: names media", path.display());
        if module != "main" && module != "serve" {
            assert!(!code.contains("anyhow::Context"), "src/{}: anyhow belongs to main", path.display());
        }
    }
}

#[test]
fn media_is_pure() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::process",
        "std::time",
        "tokio",
        "tracing",
        "println!",
        "async fn",
        ".await",
        "SystemTime",
        "Instant::now",
    ];
    for (path, text) in sources("media/src") {
        let code = code(&text);
        let name = path.file_name().unwrap().to_str().unwrap();
        let test_file =
            name.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
        for word in forbidden.iter().filter(|_| !test_file) {
            assert!(!code.contains(word), "media/src/{}: {word}", path.display());
        }
    }
    let manifest = fs::read_to_string(root().join("media/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split('[').next().unwrap();
    let names: Vec<&str> = dependencies.lines().filter_map(|line| line.split(['.', ' ']).next()).collect();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        assert!(["bytes", "chardetng", "encoding_rs", "flate2"].contains(&name), "media depends on {name}");
    }
}

#[test]
fn no_file_is_too_long() {
    for folder in ["src", "media/src"] {
        for (path, text) in sources(folder) {
            let lines = code(&text).lines().count();
            assert!(lines <= MAX_LINES, "{folder}/{} has {lines} lines of code", path.display());
        }
    }
}

#[test]
fn every_lint_that_is_switched_off_has_a_reason() {
    for folder in ["src", "media/src", "media/tests", "media/benches", "tests", "benches"] {
        if !root().join(folder).exists() {
            continue;
        }
        for (path, text) in sources(folder).into_iter().filter(|(path, _)| !path.ends_with("tidy.rs")) {
            assert!(!text.contains("#[allow("), "{folder}/{}: use #[expect(.., reason)]", path.display());
            for part in text.split("#[expect(").skip(1) {
                let attribute = part.split(")]").next().unwrap();
                assert!(
                    attribute.contains("reason"),
                    "{folder}/{}: an #[expect] without reason",
                    path.display()
                );
            }
        }
    }
}
