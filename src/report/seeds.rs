//! Seeds in words: which rows would be written, or were, by table and label.

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document, Item, Problem};
use super::style::{BAD, FAINT, GOOD, OTHER, Style, WAITS};
use super::table::{Cell, table};
use super::words::{as_typed, count, duration, printable, shortened, shortened_inside};
use crate::drive::Outcome;
use crate::history::{History, moment};
use crate::script::Key;
use crate::seeds::{
    Cause, Change, Difference, FilePlan, FileState, Mode, SeedPlan, Standing, State, What,
};

/// Whether rows were written or only planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Done {
    /// `seed --dry-run`.
    Planned,
    /// `seed`.
    Done,
}

/// How many characters of a label are shown.
const LABEL: usize = 40;

/// How many labels of a table a line names before it counts the rest.
const NAMED: usize = 8;

/// How many changed rows of a table are shown column by column.
const SHOWN: usize = 20;

/// What seeding would do, or did: a block for each file that has anything to tell, then the sum.
pub fn seeds(plan: &SeedPlan, done: Done, style: Style<'_>) -> String {
    let mut text = String::new();
    for file in &plan.files {
        if !is_silent(file) {
            text.push_str(&block(file, style));
        }
    }
    let (inserted, updated, deleted, unchanged) = plan.counts();
    let drifted: usize = plan.files.iter().map(|file| file.drifted.len()).sum();
    let silent = plan.files.iter().all(|file| {
        file.changes.is_empty() && file.state == FileState::Applied && file.was.is_empty()
    });
    if silent && plan.marks.is_none() {
        // Nothing is compared in rows that a seed makes once.
        let once = plan.files.iter().filter(|file| file.mode == Mode::Insert);
        let once: usize = once.map(|file| file.unchanged).sum();
        let other_keys: usize = plan.files.iter().map(|file| file.other_keys).sum();
        let declared = unchanged.saturating_sub(once + other_keys);
        let parts = [
            (declared, "as declared"),
            (other_keys, "with another primary key than declared"),
            (once, "made once and not compared"),
        ];
        let all = parts.iter().enumerate();
        let all = all.filter(|(at, (rows, _))| *rows > 0 || *at == 0 && unchanged == 0);
        let all = all.map(|(_, (rows, words))| format!("{} {words}", count(*rows, "row")));
        text.push_str("nothing to do: ");
        text.push_str(&all.collect::<Vec<_>>().join(", "));
        if drifted > 0 {
            text.push_str(&format!(", {drifted} left unchanged"));
        }
        text.push('\n');
        return text;
    }
    let words = match done {
        Done::Planned => [
            "insert",
            "update",
            "delete",
            "unchanged, in one transaction",
        ],
        Done::Done => [
            "inserted",
            "updated",
            "deleted",
            "unchanged, in one transaction",
        ],
    };
    let numbers = [inserted, updated, deleted, unchanged];
    let sums: Vec<String> = numbers
        .iter()
        .zip(words)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    text.push_str(&sums.join(", "));
    text.push('\n');
    if let Some(mark) = &plan.marks {
        let verb = match done {
            Done::Planned => "will be",
            Done::Done => "is",
        };
        text.push_str(&format!(
            "the database {verb} marked as environment {}\n",
            printable(mark)
        ));
    }
    text
}

/// What ending a seed would do, or did. `is_there`: its file is in the seeds folder.
pub fn forgotten(plan: &SeedPlan, done: Done, is_there: bool, style: Style<'_>) -> String {
    let mut text = String::new();
    for file in &plan.files {
        text.push_str(&by_table(&file.changes, 0, style));
        let verb = match done {
            Done::Planned => "would be",
            Done::Done => "is",
        };
        let rows = match file.changes.len() {
            0 => "no row is deleted".to_owned(),
            many => format!("{} deleted", count(many, "row")),
        };
        text.push_str(&format!(
            "seed {} {verb} forgotten; {rows}\n",
            printable(&file.name)
        ));
        if is_there {
            text.push_str(&as_typed(
                "its file is still there: the next `seed` applies it as a new one\n",
                style.program,
            ));
        }
    }
    text
}

/// What seeding would do after migrations that are pending. Where the rows of the database are not known
/// (`sees_rows`), only how many the files declare.
pub fn seeds_after(plan: &SeedPlan, sees_rows: bool, style: Style<'_>) -> String {
    if sees_rows {
        return format!("then the seeds:\n{}", seeds(plan, Done::Planned, style));
    }
    let mut text = "then the seeds, which fit the schema after the migrations:\n".to_owned();
    for file in &plan.files {
        let rows = count(file.unchanged + file.changes.len(), "row");
        text.push_str(&format!("  {}: {rows} declared\n", printable(&file.name)));
    }
    text.push_str("  the rows that the database has already are compared after the migrations\n");
    text
}

fn is_silent(file: &FilePlan) -> bool {
    file.state == FileState::Applied
        && file.changes.is_empty()
        && file.drifted.is_empty()
        && file.was.is_empty()
}

fn block(file: &FilePlan, style: Style<'_>) -> String {
    let (word, colour) = match file.state {
        FileState::New => ("new", GOOD),
        FileState::Edited => ("edited", WAITS),
        FileState::Respelled => ("only comments or spelling changed", FAINT),
        FileState::Applied => ("applied before", FAINT),
    };
    let before: Vec<String> = file.was.iter().map(|name| printable(name)).collect();
    let renamed = match before.is_empty() {
        true => String::new(),
        false => format!("continues {}, ", before.join(" and ")),
    };
    let checksum = file.checksum.get(..8).unwrap_or(&file.checksum);
    let mut text = format!(
        "seed {} ({renamed}{}) {}\n",
        printable(&file.name),
        style.paint.paint(colour, word),
        style.paint.paint(FAINT, &format!("sha256 {checksum}…")),
    );
    let width = file
        .changes
        .iter()
        .map(|change| change.table.chars().count())
        .max()
        .unwrap_or(0);
    text.push_str(&by_table(&file.changes, width, style));
    for change in &file.drifted {
        let name = format!("{}.{}", change.table, change.label);
        let what = match &change.what {
            What::Update(differences) => left(differences),
            _ => change.note.as_deref().map_or_else(
                || "deleted by hand, not inserted again".to_owned(),
                printable,
            ),
        };
        let line = format!("  ! {}: {what}", printable(&name));
        text.push_str(&style.paint.paint(BAD, &line));
        text.push('\n');
    }
    for change in &file.changes {
        if let Some(note) = &change.note {
            let name = format!("{}.{}", change.table, change.label);
            text.push_str(&format!("  {}: {}\n", printable(&name), printable(note)));
        }
    }
    if file.drifted.iter().any(|change| change.note.is_some()) {
        text.push_str(&as_typed(
            "  a row that has another key gets this one by hand; or delete it, and `seed --refresh` inserts it with this one\n",
            style.program,
        ));
    }
    if file.drifted.iter().any(|change| change.note.is_none()) {
        let help = match file.mode {
            // It makes a row once.
            Mode::Insert => format!(
                "  `seed forget {}`, and then `seed`, makes it again\n",
                printable(&file.name)
            ),
            Mode::Upsert | Mode::Sync if file.drifted.iter().all(is_of_triggers) => {
                "  a trigger may write there after `seed --refresh` too: leave such columns out of the seed, or name them in `_keep`\n"
                    .to_owned()
            }
            Mode::Upsert | Mode::Sync => {
                "  `seed --refresh` makes it as declared again\n".to_owned()
            }
        };
        text.push_str(&as_typed(&help, style.program));
    }
    text
}

/// Whether a row differs only where a trigger writes.
fn is_of_triggers(change: &Change) -> bool {
    match &change.what {
        What::Update(differences) => differences.iter().all(|it| it.cause == Cause::Trigger),
        What::Insert | What::Delete => false,
    }
}

/// The changes of a file, which are sorted by table.
fn by_table(mut changes: &[Change], width: usize, style: Style<'_>) -> String {
    let mut text = String::new();
    while let Some(first) = changes.first() {
        let end = changes.partition_point(|change| change.table == first.table);
        text.push_str(&of_table(&changes[..end], width, style));
        changes = &changes[end..];
    }
    text
}

/// Which columns of a row are left unchanged, and why.
fn left(differences: &[Difference]) -> String {
    let of = |cause: fn(Cause) -> bool| {
        let columns = differences.iter().filter(|it| cause(it.cause));
        let names: Vec<String> = columns.map(|it| printable(&it.column)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let by_hand =
        of(|cause| cause == Cause::Hand).map(|it| format!("{it} changed by hand, left unchanged"));
    let by_trigger = of(|cause| cause == Cause::Trigger)
        .map(|it| format!("{it} changed by hand or by a trigger, left unchanged"));
    let unknown = of(|cause| cause == Cause::Unrecorded).map(|it| {
        format!("{it} differs from its variable, and no record says which of them changed; left unchanged")
    });
    let waits = of(|cause| matches!(cause, Cause::Seed | Cause::Variable))
        .map(|it| format!("the new value of {it} is not written because of that"));
    let all: Vec<String> = [by_hand, by_trigger, unknown, waits]
        .into_iter()
        .flatten()
        .collect();
    all.join("; ")
}

/// The changes in one table: the labels in a line, and the columns of rows that change below.
fn of_table(changes: &[Change], width: usize, style: Style<'_>) -> String {
    let table = changes.first().map_or("", |change| &*change.table);
    let mut labels: Vec<String> = changes
        .iter()
        .take(NAMED)
        .map(|change| {
            let (mark, colour) = match change.what {
                What::Insert => ('+', GOOD),
                What::Update(_) => ('~', WAITS),
                What::Delete => ('-', BAD),
            };
            let label = shortened_inside(&change.label, LABEL);
            style.paint.paint(colour, &format!("{mark} {label}"))
        })
        .collect();
    if changes.len() > NAMED {
        labels.push(format!("and {} more", changes.len() - NAMED));
    }
    let mut text = format!("  {:width$}  {}\n", printable(table), labels.join("  "));
    let updates = changes.iter().filter_map(|change| match &change.what {
        What::Update(differences) => Some((change, differences)),
        _ => None,
    });
    for (change, differences) in updates.take(SHOWN) {
        for it in differences {
            let (old, new) = (value(it.old.as_ref()), value(it.new.as_ref()));
            text.push_str(&format!(
                "    {}.{}: {old} → {new}\n",
                shortened_inside(&change.label, LABEL),
                printable(&it.column)
            ));
        }
    }
    text
}

fn value(value: Option<&String>) -> String {
    match value {
        Some(value) => shortened(value, 60),
        None => "***".to_owned(),
    }
}

/// How the seeds stand: a table below that of the migrations. Empty where there are none.
pub fn standing(standing: &Standing, style: Style<'_>) -> String {
    let marked = |mark: &str| format!("the database is marked as environment {}", printable(mark));
    if standing.items.is_empty() {
        let mark = standing.mark.as_deref();
        return mark.map_or_else(String::new, |mark| format!("{}\n", marked(mark)));
    }
    let rows: Vec<Vec<Cell>> = standing.items.iter().map(row).collect();
    let header = ["state", "seed", "applied at", "took", "checksum"];
    let mut text = table(&header, &rows, style);
    let mark = match &standing.mark {
        Some(mark) => marked(mark),
        // As a copy of a database, which is another one.
        None if standing.items.iter().any(|it| it.applied_at.is_some()) => {
            "the database has no mark of an environment".to_owned()
        }
        None => "the database has not been seeded".to_owned(),
    };
    text.push_str(&format!("\n{mark}\n"));
    let blocked = standing.items.iter();
    let blocked = blocked.filter_map(|item| Some((item, item.reason.as_ref()?)));
    for (item, reason) in blocked {
        text.push_str(&format!(
            "{} is blocked: {}\n",
            printable(&item.name),
            printable(reason)
        ));
    }
    text
}

fn row(item: &crate::seeds::Item) -> Vec<Cell> {
    let (mark, colour) = match item.state {
        State::Applied => ('✓', GOOD),
        State::Pending => ('○', WAITS),
        State::Edited => ('~', WAITS),
        State::Drifted => ('!', BAD),
        State::Missing => ('✗', BAD),
        State::Blocked => ('-', OTHER),
    };
    let took = item.duration_ms.map(duration).unwrap_or_default();
    let at = item.applied_at.as_deref().map(moment).unwrap_or_default();
    vec![
        Cell::new(&format!("{mark} {}", item.state.word())).in_colour(colour),
        Cell::new(&item.name),
        Cell::new(&at),
        Cell::new(&took).right(),
        Cell::new(item.checksum.get(..8).unwrap_or(&item.checksum)).in_colour(FAINT),
    ]
}

impl Report {
    /// A failed seed after migrations of the same command, which are applied: with what these did.
    #[must_use]
    pub fn after_migrations(mut self, migrated: &Outcome) -> Report {
        self.items
            .splice(0..0, migrated.done.iter().map(Item::done));
        self.version = self
            .version
            .filter(Option::is_some)
            .or(Some(migrated.version));
        self
    }
}

impl Document {
    /// `seed`, planned or done, with the records of `history`. Each row that changes is in `changes`; environment values and
    /// secrets are `null`.
    pub fn seeds(call: Call<'_>, plan: &SeedPlan, done: Done, history: &History) -> Document {
        let report = Report::problems(&plan.problems);
        let (inserted, updated, deleted, _) = plan.counts();
        let nothing = inserted + updated + deleted == 0;
        let state = |file: &FilePlan| match (done, file.state) {
            (Done::Done, _) => "applied",
            (_, FileState::Edited) => "edited",
            (_, FileState::New) => "pending",
            _ if !file.changes.is_empty() => "pending",
            (_, FileState::Applied | FileState::Respelled) => "applied",
        };
        let items = plan.files.iter().map(|file| {
            let key = Key::Seed(file.name.clone());
            let record = history.row(&key);
            let state = match file.drifted.is_empty() {
                true => state(file),
                false => "drifted",
            };
            Item {
                name: Some(file.name.clone()),
                checksum: Some(file.checksum.clone()),
                applied_at: record.map(|it| it.applied_at.clone()),
                duration_ms: record.and_then(|it| it.duration_ms),
                file: Some(file.file.clone()),
                ..Item::bare(&key, state)
            }
        });
        let document = Document {
            items: items.collect(),
            ..Document::new(call, &report)
        };
        let outcome = match (report.class().is_some(), nothing, done) {
            (true, ..) => "problems",
            (_, true, _) => "nothing-to-do",
            (_, _, Done::Planned) => "planned",
            (_, _, Done::Done) => "done",
        };
        Document {
            outcome,
            ..document
        }
        .with("changes", changes(plan, |file| &file.changes))
        .with("drifted", changes(plan, |file| &file.drifted))
        .with("rows", counts(plan))
    }

    /// The document of seeds after migrations of the same command: with what these did, before the seeds.
    #[must_use]
    pub fn after_migrations(mut self, migrated: &Outcome, call: Call<'_>) -> Document {
        let migrations = Document::outcome(call, migrated);
        if self.outcome == "nothing-to-do" {
            self.outcome = migrations.outcome;
        }
        self.items.splice(0..0, migrations.items);
        self.problems.splice(0..0, migrations.problems);
        self.with("database_version", migrated.version)
    }

    /// `seed forget`, planned or done: `forgotten` has the name. Each row that is deleted is in `changes`.
    pub fn forgotten(call: Call<'_>, plan: &SeedPlan, done: Done) -> Document {
        let name = plan.files.first().map(|file| file.name.clone());
        let document = Document::seeds(call, plan, done, &History::default());
        let outcome = match (plan.is_sound(), done) {
            (false, _) => "problems",
            (true, Done::Planned) => "planned",
            (true, Done::Done) => "done",
        };
        Document {
            items: Vec::new(),
            outcome,
            ..document
        }
        .with("forgotten", name)
    }

    /// The document with what seeds would do after the migrations: in `seeds`.
    #[must_use]
    pub fn with_seeds(mut self, plan: &SeedPlan, sees_rows: bool, style: Style<'_>) -> Document {
        let report = Report::problems(&plan.problems);
        self.problems
            .extend(report.diagnostics.iter().map(|it| Problem::of(it, style)));
        if !plan.is_sound() {
            self.outcome = "problems";
        }
        self.with(
            "seeds",
            json!({
                "compared_with_rows": sees_rows,
                "changes": changes(plan, |file| &file.changes),
                "drifted": changes(plan, |file| &file.drifted),
                "rows": counts(plan),
            }),
        )
    }

    /// The document with the seeds after the migrations.
    #[must_use]
    pub fn with_standing(mut self, standing: &Standing) -> Document {
        self.items.extend(standing.items.iter().map(|item| Item {
            name: Some(item.name.clone()),
            checksum: Some(item.checksum.clone()),
            applied_at: item.applied_at.clone(),
            duration_ms: item.duration_ms,
            file: item.file.clone(),
            reason: item.reason.clone(),
            ..Item::bare(&Key::Seed(item.name.clone()), item.state.word())
        }));
        self.with("environment", standing.mark.clone())
    }
}

fn counts(plan: &SeedPlan) -> Value {
    let (inserted, updated, deleted, unchanged) = plan.counts();
    json!({"inserted": inserted, "updated": updated, "deleted": deleted, "unchanged": unchanged})
}

fn changes(plan: &SeedPlan, of: impl Fn(&FilePlan) -> &Vec<Change>) -> Vec<Value> {
    let mut all = Vec::new();
    for file in &plan.files {
        for change in of(file) {
            let (action, columns) = match &change.what {
                What::Insert => ("insert", Vec::new()),
                What::Delete => ("delete", Vec::new()),
                What::Update(differences) => (
                    "update",
                    differences
                        .iter()
                        .map(|it| {
                            let cause = it.cause.word();
                            json!({"column": it.column, "old": it.old, "new": it.new, "cause": cause})
                        })
                        .collect(),
                ),
            };
            all.push(json!({
                "seed": file.name,
                "table": &*change.table,
                "label": &*change.label,
                "action": action,
                "columns": columns,
            }));
        }
    }
    all
}
