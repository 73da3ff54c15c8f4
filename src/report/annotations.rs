//! Annotations of GitHub Actions: lines that the runner takes from the log and shows beside the code.

use std::path::Path;

use super::snippet::{help, notes};
use super::{Report, Style};
use crate::diagnostic::{Diagnostic, Severity};

/// GitHub shows no more annotations of one kind for one step.
const MOST: usize = 10;

/// How the name of a recorded text ends: it is no file of the checkout.
pub(super) const RECORDED: &str = "(as recorded)";

/// Where the files of a report are, seen from the repository that the runner has checked out. Both are absolute, without
/// `..`.
#[derive(Debug, Clone, Copy)]
pub struct Checkout<'a> {
    /// `GITHUB_WORKSPACE`, from which annotations name files.
    pub workspace: &'a Path,
    /// The folder from which the report names them.
    pub folder: &'a Path,
}

impl Checkout<'_> {
    /// The name of a file in an annotation; one outside of the repository keeps its own.
    fn name(self, file: &str) -> String {
        let path = self.folder.join(file);
        match path.strip_prefix(self.workspace) {
            Ok(below) => below.to_string_lossy().replace('\\', "/"),
            Err(_) => file.to_owned(),
        }
    }
}

/// The report as [workflow commands](https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions),
/// one a line, errors first, at most ten.
pub fn annotations(report: &Report, style: Style<'_>, checkout: Option<Checkout<'_>>) -> String {
    let of = |severity| {
        let all = report.diagnostics.iter();
        all.filter(move |diagnostic| diagnostic.severity == severity)
    };
    of(Severity::Error)
        .chain(of(Severity::Warning))
        .chain(of(Severity::Note))
        .take(MOST)
        .map(|diagnostic| annotation(diagnostic, style, checkout))
        .collect()
}

fn annotation(diagnostic: &Diagnostic, style: Style<'_>, checkout: Option<Checkout<'_>>) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(location) = &diagnostic.location {
        let (file, line, column) = location.place();
        if !file.ends_with(RECORDED) {
            let name = checkout.map_or_else(|| file.to_owned(), |checkout| checkout.name(file));
            properties.push(format!("file={}", property(&name)));
            properties.extend(line.map(|line| format!("line={line}")));
            properties.extend(column.map(|column| format!("col={column}")));
        }
    }
    properties.push(format!("title={}", property(diagnostic.code)));
    let message: Vec<String> = std::iter::once(diagnostic.message.clone())
        .chain(notes(diagnostic))
        .chain(help(diagnostic, style.program))
        .collect();
    format!(
        "::{kind} {}::{}\n",
        properties.join(","),
        data(&message.join("\n"))
    )
}

/// Escapes as the runner's own toolkit does:
/// <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Location;
    use crate::report::Paint;
    use expect_test::expect;

    const STYLE: Style<'_> = Style {
        paint: Paint::Plain,
        program: "seedbed",
        columns: None,
    };

    #[test]
    fn what_the_runner_would_take_for_its_own_syntax_is_escaped() {
        let mut diagnostic = Diagnostic::error("edited", "100% of\r\nit: a, b");
        diagnostic.help.push("put it back".to_owned());
        diagnostic.location = Some(Location::File {
            file: "a,b:c/V1__x.sql".to_owned(),
            line: Some(3),
            column: Some(5),
        });
        let report = Report::of(vec![diagnostic]);
        expect![[r#"
            ::error file=a%2Cb%3Ac/V1__x.sql,line=3,col=5,title=edited::100%25 of%0D%0Ait: a, b%0Aput it back
        "#]]
        .assert_eq(&annotations(&report, STYLE, None));
    }

    #[test]
    fn files_are_named_from_the_root_of_the_repository() {
        let checkout = Checkout {
            workspace: Path::new("/home/me/repository"),
            folder: Path::new("/home/me/repository/backend"),
        };
        assert_eq!(
            checkout.name("migrations/V1__a.sql"),
            "backend/migrations/V1__a.sql"
        );
        assert_eq!(
            checkout.name("/home/me/repository/db/V1__a.sql"),
            "db/V1__a.sql"
        );
        assert_eq!(
            checkout.name("/elsewhere/V1__a.sql"),
            "/elsewhere/V1__a.sql"
        );
    }

    #[test]
    fn ten_are_shown_and_errors_come_first() {
        let mut diagnostics = vec![Diagnostic::error("late", "late"); 12];
        for warning in &mut diagnostics[..8] {
            warning.severity = Severity::Warning;
        }
        let text = annotations(&Report::of(diagnostics), STYLE, None);
        assert_eq!(text.lines().count(), 10);
        let errors = text.lines().take_while(|line| line.starts_with("::error "));
        assert_eq!(errors.count(), 4);
    }
}
