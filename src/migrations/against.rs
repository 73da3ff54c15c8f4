//! What a pull request must not do to migrations that others may have applied. Pure.

use super::problem::Problem;
use super::set::Migrations;

/// The migrations that a branch is to be merged into.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Base {
    /// What it is called: a branch, a commit.
    pub name: String,
    /// Its migrations where the branch left it: what the branch must not change.
    pub common: Migrations,
    /// Its migrations now: what the branch must come after.
    pub tip: Migrations,
}

/// What is wrong with a set as a successor of `base`.
pub fn check_against(set: &Migrations, base: &Base) -> Vec<Problem> {
    let _ = (set, base);
    todo!()
}
