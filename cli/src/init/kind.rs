//! What kind of project a folder is, by its content. Pure: the edge lists the folder, and asks.

use std::fmt;
use std::path::PathBuf;

/// How a project runs Seedbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// A Rust project with a package `xtask`, run as `cargo xtask`
    Xtask,
    /// A project in any language, with the installed program `seedbed`
    Program,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Xtask => "xtask",
            Kind::Program => "program",
        })
    }
}

/// The content of a project folder that shows its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Found {
    /// Whether it has a `Cargo.toml`.
    pub(crate) manifest: bool,
    /// The packages below it that belong to no workspace in it, by their folders.
    pub(crate) below: Vec<PathBuf>,
    /// A file that projects in another language have, the first of [`OTHERS`], by its path from here.
    pub(crate) other: Option<String>,
}

/// The files that tell a project in another language.
pub(crate) const OTHERS: [&str; 17] = [
    "package.json",
    "deno.json",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "go.mod",
    "composer.json",
    "Gemfile",
    "mix.exs",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Package.swift",
    "pubspec.yaml",
    "CMakeLists.txt",
    "Directory.Build.props",
    "global.json",
];

impl Found {
    /// The kind that it seems to be, and why.
    pub(crate) fn kind(&self) -> (Kind, String) {
        match (self.manifest, self.other.as_ref(), self.below.first()) {
            (true, ..) => (Kind::Xtask, "Cargo.toml is here".to_owned()),
            (false, Some(file), _) => (Kind::Program, format!("{file} is here")),
            (false, None, Some(below)) => (
                Kind::Program,
                format!("Cargo.toml is in {}, not here", below.display()),
            ),
            // To make a package out of it later is easy, and to take one back is not.
            (false, None, None) => (Kind::Program, "the folder has no project yet".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_decides_and_then_the_files_of_other_languages() {
        let found = |manifest, other: Option<&str>, below: &[&str]| Found {
            manifest,
            below: below.iter().map(PathBuf::from).collect(),
            other: other.map(str::to_owned),
        };
        let cases = [
            (
                found(true, Some("package.json"), &["fuzz"]),
                Kind::Xtask,
                "Cargo.toml is here",
            ),
            (
                found(false, Some("go.mod"), &[]),
                Kind::Program,
                "go.mod is here",
            ),
            (
                found(false, Some("package.json"), &["native"]),
                Kind::Program,
                "package.json is here",
            ),
            (
                found(false, None, &["backend", "tool"]),
                Kind::Program,
                "Cargo.toml is in backend, not here",
            ),
            (
                found(false, None, &[]),
                Kind::Program,
                "the folder has no project yet",
            ),
        ];
        for (found, kind, why) in cases {
            assert_eq!(found.kind(), (kind, why.to_owned()));
        }
    }
}
