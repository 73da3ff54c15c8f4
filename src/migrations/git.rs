//! The migrations as a commit has them: the only file that runs `git`. It only reads.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::against::Base;
use super::listing::{TESTS, is_hidden, on_disk, sql_files};
use super::set::{Migrations, slashes};
use crate::layouts::{LayoutChoice, belongs_to_a_layout};

/// Where a commit could come from that a repository does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetchable {
    /// From a remote.
    FromRemote,
    /// From a remote, since this clone holds only the newest commits.
    BehindShallow,
    /// From nowhere: the repository has no remote.
    Nowhere,
}

/// The migrations of a commit cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The program is not there.
    #[error("cannot run git")]
    NoGit(#[source] std::io::Error),
    /// The directory is in no repository.
    #[error("{} is in no git repository", path.display())]
    NoRepository {
        /// The directory.
        path: PathBuf,
    },
    /// There is no such commit.
    #[error("git knows no commit {reference}")]
    UnknownRef {
        /// What was asked for.
        reference: String,
        /// Where it could come from.
        fetchable: Fetchable,
    },
    /// The clone ends before the commit at which the branch left the base.
    #[error(
        "this is a shallow clone, and it ends before the commit at which this branch left {reference}: what the branch \
         changed cannot be known"
    )]
    Shallow {
        /// What was asked for.
        reference: String,
    },
    /// The clone has no contents of files, and git could not fetch them.
    #[error(
        "this is a partial clone without the files of {reference}, and git could not fetch them: {words}"
    )]
    Partial {
        /// What was asked for.
        reference: String,
        /// What it said.
        words: String,
    },
    /// It failed in another way.
    #[error("`git {command}` failed: {words}")]
    Failed {
        /// The arguments.
        command: String,
        /// What it said.
        words: String,
    },
}

/// Reads the migrations that `directory` holds at `reference` (a branch, a tag, a commit), and those it held where the
/// commit that is checked out left it. A directory that was not there yet held none, unless its files were moved here from
/// another one: then they are read from there.
///
/// # Errors
/// [`GitError`].
pub fn read_base(
    directory: &Path,
    layout: Option<LayoutChoice>,
    reference: &str,
) -> Result<Base, GitError> {
    let (git, directory) = found(directory, layout)?;
    let tip = git.commit(reference)?;
    let common = git.merge_base(&tip, reference)?;
    let read = |commit: &str| git.migrations(commit, &directory, reference);
    let (of_tip, elsewhere) = read(&tip)?;
    let (of_common, elsewhere_before) = match common == tip {
        true => (of_tip.clone(), None),
        false => read(&common)?,
    };
    Ok(Base {
        name: reference.to_owned(),
        folder: directory.shown,
        elsewhere: elsewhere.or(elsewhere_before),
        common: of_common,
        tip: of_tip,
    })
}

/// Reads the migrations that `directory` held before the commit that added the newest version of `set`, or in the commit
/// that is checked out, where that version is not committed yet. None where no commit tells, and where neither has a
/// repeatable migration: their earlier texts are all that a check wants to know of them.
///
/// # Errors
/// [`GitError`].
pub fn read_before_newest(
    directory: &Path,
    layout: Option<LayoutChoice>,
    set: &Migrations,
) -> Result<Option<Migrations>, GitError> {
    let newest = set.versioned.last().and_then(|newest| {
        Path::new(&newest.up.source.name)
            .strip_prefix(directory)
            .ok()
    });
    let Some(newest) = newest else {
        return Ok(None);
    };
    let (git, directory) = found(directory, layout)?;
    let Some(commit) = git.before(&format!("{}/{}", directory.path, slashes(newest)))? else {
        return Ok(None);
    };
    let (earlier, _) = git.migrations(&commit, &directory, &commit)?;
    let has_any = !set.repeatable.is_empty() || !earlier.repeatable.is_empty();
    Ok(has_any.then_some(earlier))
}

/// The files below a folder that are other ones than where the commit that is checked out left `reference`, and those that
/// git does not know: their paths from the folder. A folder that is not there has none.
///
/// # Errors
/// [`GitError`].
pub fn changed_since(directory: &Path, reference: &str) -> Result<Vec<String>, GitError> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let git = Git {
        anchor: directory.to_path_buf(),
    };
    git.prefix(directory)?;
    let common = git.merge_base(&git.commit(reference)?, reference)?;
    let changed = [
        "diff",
        "--name-only",
        "-z",
        "--relative",
        common.as_str(),
        "--",
        ".",
    ];
    let new = [
        "ls-files",
        "--others",
        "--exclude-standard",
        "-z",
        "--",
        ".",
    ];
    let mut found = Vec::new();
    for args in [&changed[..], &new[..]] {
        let output = git.run(args)?;
        if !output.status.success() {
            return Err(failed(args, &output.stderr));
        }
        let paths = output.stdout.split(|byte| *byte == 0);
        let paths = paths.map(|path| String::from_utf8_lossy(path).into_owned());
        found.extend(paths.filter(|path| !path.is_empty()));
    }
    Ok(found)
}

/// The branches that others usually work on, the likeliest first.
const DEFAULT_BASES: [&str; 5] = [
    "origin/HEAD",
    "origin/main",
    "origin/master",
    "main",
    "master",
];

/// As [`read_base`], of the branch that others usually work on, where there is one: `origin/HEAD`, else `origin/main`,
/// `origin/master`, `main` or `master`. The branch that is checked out is none: what is in it may be in no other clone.
pub fn read_default_base(directory: &Path, layout: Option<LayoutChoice>) -> Option<Base> {
    let (anchor, _) = existing(directory).ok()?;
    let git = Git { anchor };
    let output = git.run(&["symbolic-ref", "--short", "--quiet", "HEAD"]);
    let checked_out = line(&output.ok()?);
    let mut others = DEFAULT_BASES.iter().filter(|it| **it != checked_out);
    others.find_map(|reference| read_base(directory, layout, reference).ok())
}

/// The repository of a directory of migrations, and the directory as the repository has it.
fn found(directory: &Path, layout: Option<LayoutChoice>) -> Result<(Git, Directory), GitError> {
    let (anchor, rest) = existing(directory)?;
    let git = Git { anchor };
    let path = git.prefix(directory)? + &rest;
    let found = Directory {
        shown: slashes(directory),
        path: path.trim_matches('/').to_owned(),
        layout,
    };
    Ok((git, found))
}

/// The nearest folder that is there, and what follows behind it: the directory may have been removed.
fn existing(directory: &Path) -> Result<(PathBuf, String), GitError> {
    let whole = std::path::absolute(on_disk(directory)).map_err(GitError::NoGit)?;
    for folder in whole.ancestors() {
        if folder.is_dir() {
            let rest = whole.strip_prefix(folder).unwrap_or(Path::new(""));
            return Ok((folder.to_path_buf(), slashes(rest)));
        }
    }
    Err(GitError::NoRepository {
        path: directory.to_path_buf(),
    })
}

/// The directory of the migrations.
struct Directory {
    /// As the user knows it.
    shown: String,
    /// From the top of the repository.
    path: String,
    /// How it is read.
    layout: Option<LayoutChoice>,
}

/// One repository.
struct Git {
    /// A folder in it.
    anchor: PathBuf,
}

impl Git {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.anchor)
            .args(args)
            // A hook has variables that name its repository; here, the repository of the folder is meant.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_PREFIX")
            .env("LC_ALL", "C");
        command
    }

    fn run(&self, args: &[&str]) -> Result<Output, GitError> {
        self.command(args)
            .stdin(Stdio::null())
            .output()
            .map_err(GitError::NoGit)
    }

    /// The folder's path from the top of the repository, with a slash at its end unless it is the top.
    fn prefix(&self, directory: &Path) -> Result<String, GitError> {
        let args = ["rev-parse", "--show-prefix"];
        let output = self.run(&args)?;
        if output.status.success() {
            return Ok(line(&output));
        }
        if said(&output.stderr).contains("not a git repository") {
            return Err(GitError::NoRepository {
                path: directory.to_path_buf(),
            });
        }
        Err(failed(&args, &output.stderr))
    }

    /// The commit that a reference names.
    fn commit(&self, reference: &str) -> Result<String, GitError> {
        let unknown = |fetchable| GitError::UnknownRef {
            reference: reference.to_owned(),
            fetchable,
        };
        if reference.starts_with('-') {
            return Err(unknown(Fetchable::FromRemote));
        }
        let name = format!("{reference}^{{commit}}");
        let output = self.run(&["rev-parse", "--verify", "--quiet", &name])?;
        match output.status.success() {
            true => Ok(line(&output)),
            false => Err(unknown(self.fetchable()?)),
        }
    }

    fn fetchable(&self) -> Result<Fetchable, GitError> {
        if line(&self.run(&["remote"])?).is_empty() {
            return Ok(Fetchable::Nowhere);
        }
        let shallow = self.run(&["rev-parse", "--is-shallow-repository"])?;
        Ok(match line(&shallow).as_str() {
            "true" => Fetchable::BehindShallow,
            _ => Fetchable::FromRemote,
        })
    }

    /// The commit at which what is checked out left `tip`. Where there is none, the tip is what there is to compare with.
    fn merge_base(&self, tip: &str, reference: &str) -> Result<String, GitError> {
        let output = self.run(&["merge-base", "HEAD", tip])?;
        if output.status.success() {
            return Ok(line(&output));
        }
        match line(&self.run(&["rev-parse", "--is-shallow-repository"])?).as_str() {
            "true" => Err(GitError::Shallow {
                reference: reference.to_owned(),
            }),
            _ => Ok(tip.to_owned()),
        }
    }

    /// The commit before the one that added this file, which is named from the top of the repository; the one that is
    /// checked out, where none has added it.
    fn before(&self, path: &str) -> Result<Option<String>, GitError> {
        let file = format!(":(top,literal){}", path.trim_start_matches('/'));
        let args = [
            "log",
            "-1",
            "--format=%H",
            "--diff-filter=A",
            "HEAD",
            "--",
            &file,
        ];
        let output = self.run(&args)?;
        // There is no commit yet.
        if !output.status.success() {
            return Ok(None);
        }
        let before = match line(&output) {
            added if added.is_empty() => "HEAD".to_owned(),
            added => format!("{added}^"),
        };
        let output = self.run(&["rev-parse", "--verify", "--quiet", &before])?;
        // The first commit, or the end of a shallow clone.
        Ok(output.status.success().then(|| line(&output)))
    }

    /// The migrations of a commit, and the folder that they are in where that is another one.
    fn migrations(
        &self,
        commit: &str,
        directory: &Directory,
        reference: &str,
    ) -> Result<(Migrations, Option<String>), GitError> {
        let mut listed = blobs(&self.tree(commit, &directory.path)?, directory);
        let mut elsewhere = None;
        if listed.is_empty()
            && let Some(moved) = self.moved_from(commit, directory)?
        {
            listed = blobs(&self.tree(commit, &moved.path)?, &moved);
            elsewhere = Some(moved.path);
        }
        let ids: Vec<&str> = listed.iter().map(|blob| blob.id.as_str()).collect();
        let contents = self.contents(&ids, reference)?;
        let names = listed.iter().map(|blob| blob.name.clone());
        let set = Migrations::from_files_as(names.zip(contents), directory.layout);
        Ok((set, elsewhere))
    }

    /// The files below a folder of a commit, as git lists them.
    fn tree(&self, commit: &str, folder: &str) -> Result<Vec<u8>, GitError> {
        let mut args = vec!["ls-tree", "-r", "-z", "--full-tree", commit];
        if !folder.is_empty() {
            args.extend(["--", folder]);
        }
        let output = self.run(&args)?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(failed(&args, &output.stderr)),
        }
    }

    /// The folder of a commit that holds most of the files that are in the directory now, of those that are on the disk no
    /// more: a folder that is still there was not moved.
    fn moved_from(
        &self,
        commit: &str,
        directory: &Directory,
    ) -> Result<Option<Directory>, GitError> {
        let here = Path::new(&directory.shown);
        let Ok(files) = sql_files(here) else {
            return Ok(None);
        };
        let below: Vec<String> = files
            .iter()
            .filter_map(|file| Some(slashes(file.strip_prefix(here).ok()?)))
            .collect();
        let top = line(&self.run(&["rev-parse", "--show-toplevel"])?);
        let whole = Directory {
            shown: String::new(),
            path: String::new(),
            layout: directory.layout,
        };
        let mut votes: BTreeMap<String, usize> = BTreeMap::new();
        for blob in blobs(&self.tree(commit, "")?, &whole) {
            let path = blob.name.trim_start_matches('/');
            let found = below.iter().find_map(|name| {
                let folder = path.strip_suffix(name.as_str())?;
                (folder.is_empty() || folder.ends_with('/')).then_some(folder)
            });
            if let Some(folder) = found
                && !Path::new(&top).join(path).exists()
            {
                *votes
                    .entry(folder.trim_end_matches('/').to_owned())
                    .or_default() += 1;
            }
        }
        let most = votes.into_iter().max_by_key(|(_, files)| *files);
        Ok(most.map(|(path, _)| Directory {
            shown: path.clone(),
            path,
            layout: directory.layout,
        }))
    }

    /// The contents of blobs, all from one process.
    fn contents(&self, ids: &[&str], reference: &str) -> Result<Vec<Vec<u8>>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["cat-file", "--batch"];
        let broken = |source: std::io::Error| GitError::Failed {
            command: args.join(" "),
            words: source.to_string(),
        };
        let mut child = self
            .command(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(GitError::NoGit)?;
        let asked = ids.join("\n") + "\n";
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let errors = child.stderr.take();
        let answer = std::thread::scope(|scope| {
            // It answers while it is asked: a caller that sends all questions first waits for ever.
            scope.spawn(move || {
                // Where this fails the answer is short, and that is reported.
                input.map(|mut input| input.write_all(asked.as_bytes()))
            });
            let errors = scope.spawn(move || {
                let mut words = Vec::new();
                // Where this fails the error has no words.
                let _ = errors.map(|mut errors| errors.read_to_end(&mut words));
                words
            });
            let mut answer = Vec::new();
            output.map_or(Ok(0), |mut output| output.read_to_end(&mut answer))?;
            Ok((answer, errors.join().unwrap_or_default()))
        });
        let (answer, errors) = answer.map_err(broken)?;
        let status = child.wait();
        status.map_err(broken)?;
        if let Some(contents) = batch(&answer, ids.len()) {
            return Ok(contents);
        }
        let words = said(&errors);
        let promised = self.run(&["config", "--get-regexp", r"^remote\..*\.promisor$"])?;
        Err(match promised.status.success() {
            true => GitError::Partial {
                reference: reference.to_owned(),
                words: words.lines().last().unwrap_or_default().to_owned(),
            },
            false => GitError::Failed {
                command: args.join(" "),
                words: match words.as_str() {
                    "" => "an object is missing".to_owned(),
                    _ => words,
                },
            },
        })
    }
}

/// A file in a tree.
struct Blob {
    id: String,
    /// The path as it is shown.
    name: String,
}

/// The `.sql` files of `mode type id TAB path NUL …`: <https://git-scm.com/docs/git-ls-tree#_output_format>.
fn blobs(listing: &[u8], directory: &Directory) -> Vec<Blob> {
    let entries = listing.split(|byte| *byte == 0).filter_map(|entry| {
        let entry = String::from_utf8_lossy(entry);
        let (about, path) = entry.split_once('\t')?;
        let mut about = about.split(' ');
        let (mode, _, id) = (about.next()?, about.next()?, about.next()?);
        let below = path
            .strip_prefix(directory.path.as_str())?
            .trim_start_matches('/');
        // 100644 and 100755 are files; links and submodules are not.
        let is_file = mode.starts_with("100") && !below.split('/').any(is_hidden);
        // As in the folder on the disk, data tests are no migrations.
        let is_file = is_file && below.split_once('/').is_none_or(|it| it.0 != TESTS);
        let is_read = below.to_ascii_lowercase().ends_with(".sql") || belongs_to_a_layout(below);
        (is_file && is_read).then(|| Blob {
            id: id.to_owned(),
            name: match directory.shown.trim_end_matches('/') {
                "" => below.to_owned(),
                shown => format!("{shown}/{below}"),
            },
        })
    });
    entries.collect()
}

/// The contents in `id type size LF contents LF …`: <https://git-scm.com/docs/git-cat-file#_batch_output>. `None` where
/// it is anything else.
fn batch(mut answer: &[u8], count: usize) -> Option<Vec<Vec<u8>>> {
    let mut contents = Vec::with_capacity(count);
    for _ in 0..count {
        let end = answer.iter().position(|byte| *byte == b'\n')?;
        let head = std::str::from_utf8(&answer[..end]).ok()?;
        let size: usize = head.rsplit(' ').next()?.parse().ok()?;
        let rest = &answer[end + 1..];
        contents.push(rest.get(..size)?.to_vec());
        answer = rest.get(size + 1..)?;
    }
    Some(contents)
}

fn line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout)
        .trim_end_matches(['\r', '\n'])
        .to_owned()
}

/// What git said, without what a URL in it may have before its host: a token, a password.
fn said(stderr: &[u8]) -> String {
    let words = String::from_utf8_lossy(stderr);
    let mut parts = words.trim().split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let authority = part.find(['/', ' ', '\'', '\n']).unwrap_or(part.len());
        let host = part[..authority].rfind('@').map_or(0, |at| at + 1);
        shown.push_str("://");
        shown.push_str(&part[host..]);
    }
    shown
}

fn failed(args: &[&str], stderr: &[u8]) -> GitError {
    GitError::Failed {
        command: args.join(" "),
        words: said(stderr),
    }
}

#[cfg(test)]
mod tests;
