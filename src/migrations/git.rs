//! The migrations as a commit has them: the only file that runs `git`. It only reads.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::against::Base;
use super::listing::is_hidden;
use super::set::{Migrations, slashes};

/// The migrations of a commit cannot be read.
#[derive(Debug, thiserror::Error)]
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
/// commit that is checked out left it. A directory that was not there yet held none.
///
/// # Errors
/// [`GitError`].
pub fn read_base(directory: &Path, reference: &str) -> Result<Base, GitError> {
    let (anchor, rest) = existing(directory)?;
    let git = Git { anchor };
    let path = git.prefix(directory)? + &rest;
    let directory = Directory {
        shown: slashes(directory),
        path: path.trim_matches('/').to_owned(),
    };
    let tip = git.commit(reference)?;
    let common = git.merge_base(&tip)?;
    let of_tip = git.migrations(&tip, &directory)?;
    Ok(Base {
        name: reference.to_owned(),
        common: match common == tip {
            true => of_tip.clone(),
            false => git.migrations(&common, &directory)?,
        },
        tip: of_tip,
    })
}

/// The nearest folder that is there, and what follows behind it: the directory may have been removed.
fn existing(directory: &Path) -> Result<(PathBuf, String), GitError> {
    let whole = std::path::absolute(directory).map_err(GitError::NoGit)?;
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
            // A hook is told which repository it runs for; what is meant here is the one that the folder is in.
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
        let unknown = || GitError::UnknownRef {
            reference: reference.to_owned(),
        };
        if reference.starts_with('-') {
            return Err(unknown());
        }
        let name = format!("{reference}^{{commit}}");
        let output = self.run(&["rev-parse", "--verify", "--quiet", &name])?;
        match output.status.success() {
            true => Ok(line(&output)),
            false => Err(unknown()),
        }
    }

    /// The commit at which what is checked out left `tip`. Where there is none, or a shallow clone lacks it, the tip is
    /// what there is to compare with.
    fn merge_base(&self, tip: &str) -> Result<String, GitError> {
        let output = self.run(&["merge-base", "HEAD", tip])?;
        Ok(match output.status.success() {
            true => line(&output),
            false => tip.to_owned(),
        })
    }

    fn migrations(&self, commit: &str, directory: &Directory) -> Result<Migrations, GitError> {
        let mut args = vec!["ls-tree", "-r", "-z", "--full-tree", commit];
        if !directory.path.is_empty() {
            args.extend(["--", &directory.path]);
        }
        let output = self.run(&args)?;
        if !output.status.success() {
            return Err(failed(&args, &output.stderr));
        }
        let blobs = blobs(&output.stdout, directory);
        let ids: Vec<&str> = blobs.iter().map(|blob| blob.id.as_str()).collect();
        let contents = self.contents(&ids)?;
        let names = blobs.iter().map(|blob| blob.name.clone());
        Ok(Migrations::from_files(names.zip(contents)))
    }

    /// The contents of blobs, all from one process.
    fn contents(&self, ids: &[&str]) -> Result<Vec<Vec<u8>>, GitError> {
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
            .stderr(Stdio::null())
            .spawn()
            .map_err(GitError::NoGit)?;
        let asked = ids.join("\n") + "\n";
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let answer = std::thread::scope(|scope| {
            // It answers while it is asked: whoever only asks first waits for ever.
            scope.spawn(move || {
                // Where this fails the answer is short, and that is told.
                input.map(|mut input| input.write_all(asked.as_bytes()))
            });
            let mut answer = Vec::new();
            output.map_or(Ok(0), |mut output| output.read_to_end(&mut answer))?;
            Ok(answer)
        });
        let status = child.wait();
        let contents = batch(&answer.map_err(broken)?, ids.len());
        status.map_err(broken)?;
        contents.ok_or_else(|| GitError::Failed {
            command: args.join(" "),
            words: "an object is missing".to_owned(),
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
        (is_file && below.to_ascii_lowercase().ends_with(".sql")).then(|| Blob {
            id: id.to_owned(),
            name: format!("{}/{below}", directory.shown.trim_end_matches('/')),
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

fn said(stderr: &[u8]) -> String {
    String::from_utf8_lossy(stderr).trim().to_owned()
}

fn failed(args: &[&str], stderr: &[u8]) -> GitError {
    GitError::Failed {
        command: args.join(" "),
        words: said(stderr),
    }
}

#[cfg(test)]
mod tests;
