//! What a check finds on a database that exists: with rows, and with what the repeatable migrations have made.

use super::*;

type Files<'a> = &'a [(&'a str, &'a str)];

/// Checks files against a base.
async fn check_on(base: Files<'_>, files: Files<'_>, expect: Expect) {
    let base = Base {
        name: "main".to_owned(),
        common: set(base),
        tip: set(base),
        ..Base::default()
    };
    let options = CheckOptions {
        base: Some(&base),
        downs_from: None,
        ..CheckOptions::default()
    };
    expect.assert_eq(&shown(
        &super::super::check(&set(files), &options).await.unwrap(),
    ));
}

/// Checks files without a base, where the commit before the newest version had these.
async fn check_since(earlier: Files<'_>, files: Files<'_>, expect: Expect) {
    let earlier = set(earlier);
    let options = CheckOptions {
        earlier: Some(&earlier),
        ..CheckOptions::default()
    };
    expect.assert_eq(&shown(
        &super::super::check(&set(files), &options).await.unwrap(),
    ));
}

/// The codes that a new version is reported under, on a database with this table.
async fn codes(table: &str, new: &str) -> Vec<&'static str> {
    let checked = checked(&[("V1__t.sql", table), ("V2__new.sql", new)]).await;
    checked
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect()
}

mod downs;
mod lost;
mod objects;
mod rows;
