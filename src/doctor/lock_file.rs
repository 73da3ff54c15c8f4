//! Which versions of the engine the programs of a Rust project link, by its `Cargo.lock`. Pure.
//!
//! Two versions in one program end in `duplicate symbol` when it is linked, minutes after its build has begun: the engine
//! is C, and cargo sees no conflict.

use std::collections::{BTreeMap, BTreeSet};

/// The engine's C code, as it is named in `Cargo.lock`.
const ENGINE: &str = "libsql-ffi";

/// What `Cargo.lock` says of a package: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>.
#[derive(serde::Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(serde::Deserialize)]
struct LockFile {
    #[serde(default)]
    package: Vec<Package>,
}

/// The packages of the project itself that link more than one version of the engine, each with the versions; none where
/// the text is no `Cargo.lock`.
pub fn with_two_engines(text: &str) -> Vec<(String, Vec<String>)> {
    let packages = packages(text);
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, package) in packages.iter().enumerate() {
        by_name.entry(&package.name).or_default().push(number);
    }
    // `name`, or `name version` where several have the name; a source may follow.
    let found = |dependency: &str| {
        let mut words = dependency.split(' ');
        let named = by_name.get(words.next()?)?;
        match words.next() {
            None => named.first().copied(),
            Some(version) => named
                .iter()
                .copied()
                .find(|at| packages[*at].version == version),
        }
    };
    let own = packages
        .iter()
        .enumerate()
        .filter(|(_, it)| it.source.is_none());
    let linked = own.map(|(number, package)| {
        let mut seen = BTreeSet::from([number]);
        let mut open = vec![number];
        while let Some(at) = open.pop() {
            let below = packages[at].dependencies.iter().filter_map(|it| found(it));
            open.extend(below.filter(|at| seen.insert(*at)));
        }
        let engines = seen.into_iter().map(|at| &packages[at]);
        let engines = engines.filter(|it| it.name == ENGINE);
        (
            package.name.clone(),
            engines.map(|it| it.version.clone()).collect(),
        )
    });
    linked
        .filter(|(_, versions): &(_, Vec<String>)| versions.len() > 1)
        .collect()
}

/// The versions of the engine in a `Cargo.lock` that are not of the series that this library links.
pub fn other_engines(text: &str) -> Vec<String> {
    let engines = packages(text).into_iter().filter(|it| it.name == ENGINE);
    let series = |version: &str| version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let other = engines.filter(|it| series(&it.version) != SERIES);
    other.map(|it| it.version).collect()
}

/// The series of the `libsql` crate that this library depends on: versions in one are compatible.
pub const SERIES: &str = "0.10";

fn packages(text: &str) -> Vec<Package> {
    toml::from_str::<LockFile>(text).map_or_else(|_| Vec::new(), |file| file.package)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = ["libsql 0.9.30", "seedbed"]

[[package]]
name = "worker"
version = "0.1.0"
dependencies = ["libsql 0.9.30"]

[[package]]
name = "xtask"
version = "0.0.0"
dependencies = ["seedbed"]

[[package]]
name = "seedbed"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["libsql 0.10.0"]

[[package]]
name = "libsql"
version = "0.9.30"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["libsql-ffi 0.9.30"]

[[package]]
name = "libsql"
version = "0.10.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["libsql-ffi 0.10.0 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "libsql-ffi"
version = "0.9.30"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "libsql-ffi"
version = "0.10.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
"#;

    #[test]
    fn only_a_program_that_links_both_versions_is_named() {
        let versions = vec!["0.9.30".to_owned(), "0.10.0".to_owned()];
        assert_eq!(with_two_engines(LOCK), [("app".to_owned(), versions)]);
        assert_eq!(other_engines(LOCK), ["0.9.30"]);
        assert_eq!(with_two_engines("not a lock file"), []);
    }

    #[test]
    fn the_series_is_that_of_this_project() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
        let Ok(text) = std::fs::read_to_string(root) else {
            return;
        };
        assert!(text.contains("name = \"libsql-ffi\""));
        assert_eq!(other_engines(&text), [] as [String; 0]);
        assert_eq!(with_two_engines(&text), []);
    }
}
