//! The rules of `lint` on their page: each example of a harm is reported and does what it says on the real engine; each
//! example of a safe way is not reported, and does what it says too.

mod example;
mod run;

use std::sync::Mutex;

use seedbed::rules::{RULES, Rule};

use super::pages;
use example::{Example, Section, sections};
use run::{Found, Harm, harm, lint};

/// The only harm that a test cannot show: it takes two writers and a rebuild of more than five seconds.
const NOT_SHOWN: [&str; 1] = ["TX505"];

#[test]
fn the_examples_of_each_rule_are_reported_and_do_on_the_engine_what_the_page_says() {
    let page = pages().into_iter().find(|it| it.path == "docs/lint.md");
    let sections = sections(&page.unwrap());
    let faults = Mutex::new(Vec::new());
    let next = Mutex::new(RULES.iter());
    let work = || {
        loop {
            let rule = next.lock().unwrap().next();
            let Some(rule) = rule else {
                return;
            };
            let of_rule = match sections.iter().find(|it| it.code == rule.code) {
                Some(section) => of_section(rule, section),
                None => vec![format!("{} has no section", rule.code)],
            };
            faults.lock().unwrap().extend(of_rule);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// What is wrong with the examples of a rule.
fn of_section(rule: &Rule, section: &Section) -> Vec<String> {
    let mut faults = Vec::new();
    let severity = format!("{}. **What happens.**", capital(rule.severity.word()));
    if !section.text.trim_start().starts_with(&severity) {
        faults.push(format!("{} does not begin with {severity}", rule.code));
    }
    if section.harms.is_empty() || section.safe.is_empty() {
        faults.push(format!("{} lacks an example", rule.code));
    }
    for example in &section.harms {
        if !example.shows_something() && !NOT_SHOWN.contains(&rule.code) {
            faults.push(format!("{} shows no harm", rule.code));
        }
        faults.extend(faults_of(rule, example, Expected::Reported));
    }
    for example in &section.safe {
        faults.extend(faults_of(rule, example, Expected::Silent));
    }
    faults
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Reported,
    Silent,
}

fn faults_of(rule: &Rule, example: &Example, expected: Expected) -> Vec<String> {
    let at = format!("docs/lint.md:{}: {}", example.line, rule.code);
    let mut faults = Vec::new();
    let project = run::before(example);
    let found = lint(&project, example);
    let is_reported = found.iter().any(|it| it.code == rule.code);
    if is_reported != (expected == Expected::Reported) {
        faults.push(format!("{at} is reported: {is_reported}. Found: {found:?}"));
    }
    let has_severity = |it: &Found| it.code != rule.code || it.severity == rule.severity.word();
    if rule.code != "DP403" && !found.iter().all(has_severity) {
        faults.push(format!("{at} has another severity: {found:?}"));
    }
    if example.error.is_none() && found.iter().any(|it| it.code == "not-rehearsed") {
        faults.push(format!("{at} does not run in memory: {found:?}"));
    }
    match harm(&project, example) {
        Harm::AsWritten => {}
        Harm::NotTried(why) => println!("{at}: {why}"),
        Harm::Other(what) => faults.push(format!("{at}: {what}")),
    }
    faults
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}
