//! Backups that restore: a backup is good where a database was built from it, and belongs to one database.

mod damaged;
mod identity;
#[cfg(unix)]
mod kill;
mod proof;
mod waits;

use std::io::Read;

use crate::process::Ran;
use crate::project::Project;

/// A project whose `local.db` was made by these statements.
fn project(statements: &[&str]) -> Project {
    let project = Project::bare();
    project.change(statements);
    project
}

/// The files in `backups`, sorted, without their checksums.
fn packed(project: &Project) -> Vec<String> {
    let files = project.files().into_iter();
    files
        .filter(|file| file.starts_with("backups/") && file.ends_with(".gz"))
        .collect()
}

/// Takes a backup that has to be good, and gives its file.
fn good(project: &Project, line: &str) -> String {
    let before = packed(project);
    let ran = project.run(line);
    assert_eq!(ran.code, Some(0), "{ran}");
    let mut new = packed(project)
        .into_iter()
        .filter(|it| !before.contains(it));
    let file = new.next().unwrap();
    assert_eq!(state(project, &file), "good");
    file
}

/// Takes a backup that has to be unproven, and gives its file and what was printed.
fn unproven(project: &Project) -> (String, Ran) {
    let before = packed(project);
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(1), "{ran}");
    let mut new = packed(project)
        .into_iter()
        .filter(|it| !before.contains(it));
    let file = new.next().unwrap();
    assert!(file.ends_with(".unproven.sql.gz"), "{file}");
    assert_eq!(state(project, &file), "unproven");
    (file, ran)
}

/// The state of a backup in `backup list`.
fn state(project: &Project, file: &str) -> String {
    let json = project.run("backup list --format json").json();
    let backups = json["backups"].as_array().unwrap();
    let mut found = backups.iter();
    let found = found.find(|it| it["file"].as_str().unwrap().ends_with(file));
    found.unwrap()["state"].as_str().unwrap().to_owned()
}

/// The text of a backup.
pub(crate) fn text_of(project: &Project, file: &str) -> String {
    let mut text = String::new();
    let bytes = project.bytes(file).unwrap();
    let mut packed = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    packed.read_to_string(&mut text).unwrap();
    text
}

/// Makes a backup look as if it was taken long ago.
fn aged(project: &Project, file: &str) -> String {
    aged_to(project, file, "20200101T000000Z")
}

/// Makes a backup look as if it was taken at this time.
pub(crate) fn aged_to(project: &Project, file: &str, time: &str) -> String {
    let (name, end) = file.rsplit_once('-').unwrap();
    let (_, ending) = end.split_once('.').unwrap();
    let to = format!("{name}-{time}.{ending}");
    for beside in ["", ".sha256"] {
        let [from, to] = [file, &to].map(|file| project.path(format!("{file}{beside}")));
        std::fs::rename(from, to).unwrap();
    }
    to
}
