//! Who runs: what goes into the column `applied_by`. Read from the environment and from `.git`, both of which are
//! arguments; no program is started.

use std::collections::BTreeMap;
use std::path::Path;

/// Tool and version, user@host, git commit and CI run, as far as they are known.
pub(super) fn applied_by(env: &BTreeMap<String, String>, root: &Path) -> String {
    let get = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    let mut parts = vec![format!("seedbed {}", env!("CARGO_PKG_VERSION"))];
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(get);
    let host = ["HOSTNAME", "COMPUTERNAME"]
        .into_iter()
        .find_map(get)
        .or_else(|| line("/proc/sys/kernel/hostname".as_ref()));
    match (user, host) {
        (Some(user), Some(host)) => parts.push(format!("{user}@{host}")),
        (Some(only), None) | (None, Some(only)) => parts.push(only),
        (None, None) => {}
    }
    if let Some(commit) = commit(root) {
        parts.push(format!("git {}", &commit[..commit.len().min(12)]));
    }
    if let Some(run) = ci_run(&get) {
        parts.push(run);
    }
    parts.join(", ")
}

/// The page of the CI run, by the variables that CI systems set.
fn ci_run(get: &impl Fn(&str) -> Option<String>) -> Option<String> {
    if let (Some(server), Some(repository), Some(run)) = (
        get("GITHUB_SERVER_URL"),
        get("GITHUB_REPOSITORY"),
        get("GITHUB_RUN_ID"),
    ) {
        return Some(format!("{server}/{repository}/actions/runs/{run}"));
    }
    [
        "CI_JOB_URL",
        "BUILDKITE_BUILD_URL",
        "CIRCLE_BUILD_URL",
        "BUILD_URL",
    ]
    .into_iter()
    .find_map(get)
}

/// The commit that is checked out: <https://git-scm.com/docs/gitrepository-layout>.
fn commit(root: &Path) -> Option<String> {
    let mut git = root.join(".git");
    // In a worktree `.git` is a file that names the directory.
    if let Some(place) =
        line(&git).and_then(|text| text.strip_prefix("gitdir: ").map(str::to_owned))
    {
        git = root.join(place);
    }
    let head = line(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else {
        return is_commit(&head).then_some(head);
    };
    // What worktrees share lies where `commondir` says.
    let shared = line(&git.join("commondir")).map_or_else(|| git.clone(), |path| git.join(path));
    let loose = [&git, &shared]
        .into_iter()
        .find_map(|folder| line(&folder.join(name)));
    let found = loose.or_else(|| {
        let packed = std::fs::read_to_string(shared.join("packed-refs")).ok()?;
        let line = packed
            .lines()
            .find(|line| line.ends_with(&format!(" {name}")))?;
        line.split(' ').next().map(str::to_owned)
    })?;
    is_commit(&found).then_some(found)
}

fn is_commit(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The first line of a small file.
fn line(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn user_host_commit_and_ci_run_are_told_where_they_are_known() {
        let root = tempfile::tempdir().unwrap();
        let git = root.path().join(".git");
        std::fs::create_dir_all(git.join("refs/heads")).unwrap();
        std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let commit = "0123456789abcdef0123456789abcdef01234567";
        std::fs::write(git.join("refs/heads/main"), format!("{commit}\n")).unwrap();
        let env = env(&[
            ("USER", "ada"),
            ("HOSTNAME", "engine"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "ada/engine"),
            ("GITHUB_RUN_ID", "7"),
        ]);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            applied_by(&env, root.path()),
            format!(
                "seedbed {version}, ada@engine, git 0123456789ab, https://github.com/ada/engine/actions/runs/7"
            )
        );
    }

    #[test]
    fn a_packed_branch_and_a_detached_head_have_a_commit_too() {
        let root = tempfile::tempdir().unwrap();
        let git = root.path().join(".git");
        std::fs::create_dir_all(&git).unwrap();
        let packed = "a".repeat(40);
        std::fs::write(
            git.join("packed-refs"),
            format!("# pack-refs\n{packed} refs/heads/main\n"),
        )
        .unwrap();
        std::fs::write(git.join("HEAD"), "ref: refs/heads/main").unwrap();
        assert_eq!(commit(root.path()), Some(packed));
        let detached = "b".repeat(40);
        std::fs::write(git.join("HEAD"), &detached).unwrap();
        assert_eq!(commit(root.path()), Some(detached));
    }

    #[test]
    fn outside_of_a_repository_there_is_no_commit() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(commit(root.path()), None);
    }
}
