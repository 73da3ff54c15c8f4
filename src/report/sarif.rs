//! Findings as [SARIF 2.1.0](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), for code scanning.

use serde_json::{Value, json};

use super::lint::plain;
use super::snippet::{help, notes};
use super::style::Style;
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::hex;
use crate::lint::explanation;
use crate::rules::rule;
use crate::script::Origin;
use crate::sql::Lines;

/// The findings as one document.
pub fn sarif(findings: &[Diagnostic], style: Style<'_>) -> String {
    let mut codes: Vec<&str> = findings.iter().map(|it| it.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| described(code)).collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| result(finding, &codes, style))
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "seedbed",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn described(code: &str) -> Value {
    let Some(rule) = rule(code) else {
        return json!({"id": code});
    };
    let text = explanation(code).unwrap_or(rule.title);
    json!({
        "id": code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.title},
        "help": {"text": plain(text), "markdown": text},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    severity.word()
}

fn result(finding: &Diagnostic, codes: &[&str], style: Style<'_>) -> Value {
    let mut text = vec![finding.message.clone()];
    text.extend(notes(finding));
    text.extend(help(finding, style.program));
    let mut found = json!({
        "ruleId": finding.code,
        "ruleIndex": codes.iter().position(|code| *code == finding.code),
        "level": level(finding.severity),
        "message": {"text": text.join("\n")},
    });
    if let Some(location) = &finding.location {
        let (file, ..) = location.place();
        found["locations"] = json!([{"physicalLocation": physical(location)}]);
        // A line that moves keeps its finding.
        let mark = format!(
            "{}\n{file}\n{}",
            finding.code,
            marked(location).unwrap_or_default()
        );
        let hash = crate::migrations::checksum(&mark);
        found["partialFingerprints"] = json!({"seedbed/v1": hash});
    }
    found
}

/// The statement that a finding is about.
fn marked(location: &Location) -> Option<&str> {
    location.origin().map(Origin::text)
}

fn physical(location: &Location) -> Value {
    let (file, line, column) = location.place();
    let mut found = json!({"artifactLocation": {"uri": uri(file)}});
    if let Some(line) = line {
        let mut region = json!({"startLine": line});
        if let Some(column) = column {
            region["startColumn"] = column.into();
        }
        if let Some(origin) = location.origin() {
            let end = Lines::new(&origin.source.text).place(origin.span.end);
            region["endLine"] = end.line.into();
            region["endColumn"] = end.column.into();
        }
        found["region"] = region;
    }
    found
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => {
                uri.push('%');
                uri.push_str(&hex::encode(&[byte]).to_uppercase());
            }
        }
    }
    uri
}
