//! What is wrong is reported, and nothing that only follows from it; and a help works where it is given.

use seedbed::seeds::{FileState, Refresh, Seeds};

use super::{Bed, problem};

const SCHEMA: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, n INT, ok BOOLEAN, price DECIMAL(6,2), d DATE, bl BLOB);
CREATE TABLE marks (id TEXT PRIMARY KEY, user_id INTEGER REFERENCES users (id), body TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, subject_type TEXT, subject_id INTEGER);
CREATE TABLE users_marks (user_id INTEGER NOT NULL REFERENCES users (id), mark_id TEXT NOT NULL REFERENCES marks (id),
  PRIMARY KEY (user_id, mark_id));
CREATE TABLE log (msg TEXT, n INT);
";

/// The codes of what is wrong with these files, in order.
async fn codes(bed: &Bed, files: &[(&str, &str)]) -> String {
    let plan = bed.observed(&Seeds::of_texts(files.iter().copied())).await;
    let codes: Vec<&str> = plan.problems.iter().map(|it| it.code).collect();
    codes.join(" ")
}

#[tokio::test]
async fn a_damaged_file_is_the_only_problem() {
    let bed = Bed::memory(SCHEMA).await;
    let seed = "
users: {_key: email, _through: {marks: users_marks}, _rows: !json u.json, eve: {email: e, marks: [!pick marks.*]}}
marks:
  _rows: !csv m.csv
  m: {id: x, user: !pick users.u*}
  k: {id: y, user: ann}
  'a_{users.u*}': {id: '${each}', user: '${each}'}
";
    let csv = "_label,id\nann,a\n";
    for (json, csv, expect) in [
        ("[{\"email\":\"a\"}", csv, "bad-json"),
        ("{\"ann\": 5}", csv, "bad-json"),
        (
            "{\"ann\": {\"email\": \"a\"}}",
            "_label,id\na,b,c\n",
            "no-match no-match bad-csv",
        ),
        ("[{\"email\":\"a\"}", "", "bad-csv bad-json"),
    ] {
        let files = [("a", seed), ("u.json", json), ("m.csv", csv)];
        assert_eq!(codes(&bed, &files).await, expect, "{json} {csv}");
    }
    // A file that is not there, and one that is no YAML.
    assert_eq!(
        codes(&bed, &[("a", seed), ("m.csv", csv)]).await,
        "no-such-file"
    );
    let files = [
        ("a", "users:\n  ann: {email: a\n"),
        (
            "b",
            "marks: {m: {id: x, user: ann}, 'k_{users.*}': {id: y}}\n",
        ),
        ("dev/c", "users: {ann: {_override: true, n: 1}}\n"),
    ];
    let told = codes(&bed, &files).await;
    assert!(told.starts_with("yaml") && !told.contains(' '), "{told}");
}

#[tokio::test]
async fn what_follows_from_a_slip_is_not_reported() {
    let bed = Bed::memory(SCHEMA).await;
    for (file, expect) in [
        ("users: {'u_{1..3}': {email: '${i * }'}}", "bad-template"),
        ("users: {'u_{1..3}': {email: '${j}'}}", "unknown-name"),
        (
            "users: {_defaults: {email: '${j}'}, 'u_{1..3}': {}}",
            "unknown-name",
        ),
        ("users: {'u_{3..1}': {email: '${i}'}}", "bad-label"),
        ("users: {'u_{1..3': {email: '${i}'}}", "bad-label"),
        (
            "users: {'u_{1..2}_{marks.*}': {email: '${each}${i}'}}",
            "bad-label",
        ),
        ("_seed: {mode: inser}\nlog: [{msg: x}]", "bad-value"),
        ("_seed: {mode: sinc}\nlog: {a: {msg: x}}", "bad-value"),
        ("_seed: {mode: insert}\nlog: [{msgs: x}]", "unknown-column"),
        ("users: {ann: {emial: a}}", "unknown-column"),
        (
            "users: {_key: email, _rows: [{emial: a}]}",
            "unknown-column",
        ),
        ("users: ann\nmarks: {m: {id: a, user: ann}}", "bad-shape"),
        (
            "users: !cvs u.csv\nmarks: {m: {id: a, user: ann}}",
            "bad-tag",
        ),
        (
            "users: !json [u.json]\nmarks: {m: {id: a, user: ann}}",
            "bad-tag",
        ),
        (
            "events: {_refs: {subject: {type: subject_typ, User: users}}, e: {subject: ann (User)}}",
            "unknown-column",
        ),
        (
            "events: {_refs: {subject: {type: subject_type, User: user}}, e: {subject: ann (User)}}",
            "unknown-table",
        ),
        (
            "events: {_refs: {subjct: users}, e: {subjct: ann}}",
            "unknown-column",
        ),
        // Two slips are two problems.
        (
            "users: {ann: {email: a, nn: 1}, bob: {email: a}}",
            "unknown-column same-value",
        ),
        (
            "users: {ann: {price: 1, nn: 1}}",
            "missing-value unknown-column",
        ),
    ] {
        assert_eq!(
            codes(&bed, &[("a", &format!("{file}\n"))]).await,
            expect,
            "{file}"
        );
    }
}

/// A wrong cell in a file of rows, the report, and its help: the text of the help is typed, and gives the value.
#[tokio::test]
async fn the_help_in_a_file_of_rows_works_there() {
    for (name, wrong, help, right, value) in [
        (
            "u.csv",
            "email,n\na,0x10\n",
            "write a number; a text stands in the seed itself, in quotes",
            "email,n\na,16\n",
            "16",
        ),
        (
            "u.csv",
            "email,n\na,\"abc\"\n",
            "write a number; a text stands in the seed itself, in quotes",
            "users: {_key: email, _rows: [{email: a, n: 'abc'}]}",
            "abc",
        ),
        (
            "u.csv",
            "email,ok\na,yes\n",
            "did you mean `true`?",
            "email,ok\na,true\n",
            "1",
        ),
        (
            "u.csv",
            "email,ok\na,maybe\n",
            "write `true` or `false`",
            "email,ok\na,false\n",
            "0",
        ),
        (
            "u.csv",
            "email,price\na,\"12,50\"\n",
            "did you mean `12.50`?",
            "email,price\na,12.50\n",
            "12.5",
        ),
        (
            "u.csv",
            "email,d\na,2024-13-01\n",
            "dates are written YYYY-MM-DD or YYYY-MM-DD HH:MM:SS",
            "email,d\na,2024-12-01\n",
            "2024-12-01",
        ),
        (
            "u.csv",
            "email,d\na,31.01.2026\n",
            "did you mean `2026-01-31`?",
            "email,d\na,2026-01-31\n",
            "2026-01-31",
        ),
        (
            "u.csv",
            "email,d\na,now\n",
            "write a value, or move the row into the seed itself, with `!now`",
            "users: {_key: email, _rows: [{email: a, d: !now }]}",
            "2026-01-31",
        ),
        (
            "u.csv",
            "email,bl\na,0x41\n",
            "write bytes in the seed itself, as `!!binary QQ==`; there, quotes make it a text",
            "users: {_key: email, _rows: [{email: a, bl: !!binary QQ==}]}",
            "A",
        ),
        (
            "u.csv",
            "email,bl\na,!!binary QQ==\n",
            "write bytes in the seed itself, as `!!binary QQ==`",
            "users: {_key: email, _rows: [{email: a, bl: !!binary QQ==}]}",
            "A",
        ),
        (
            "u.csv",
            "email,n\na,.inf\n",
            "leave the cell empty for NULL",
            "email,n\na,\n",
            "NULL",
        ),
        (
            "u.json",
            "[{\"email\":\"a\",\"ok\":\"yes\"}]",
            "did you mean `true`?",
            "[{\"email\":\"a\",\"ok\":true}]",
            "1",
        ),
        (
            "u.json",
            "[{\"email\":\"a\",\"price\":\"12,50\"}]",
            "did you mean `12.50`?",
            "[{\"email\":\"a\",\"price\":12.50}]",
            "12.5",
        ),
        (
            "u.json",
            "[{\"email\":\"a\",\"d\":\"now\"}]",
            "write a value, or move the row into the seed itself, with `!now`",
            "[{\"email\":\"a\",\"d\":\"2026-01-31\"}]",
            "2026-01-31",
        ),
        (
            "u.json",
            "[{\"email\":\"a\",\"d\":true}]",
            "dates are written YYYY-MM-DD or YYYY-MM-DD HH:MM:SS; in quotes it is stored as text",
            "[{\"email\":\"a\",\"d\":\"true\"}]",
            "true",
        ),
    ] {
        let bed = Bed::memory(SCHEMA).await;
        let tag = if name == "u.csv" { "!csv" } else { "!json" };
        let seed = format!("users: {{_key: email, _rows: {tag} {name}}}\n");
        let plan = bed
            .observed(&Seeds::of_texts([("a", seed.as_str()), (name, wrong)]))
            .await;
        let told = plan
            .problems
            .first()
            .unwrap_or_else(|| panic!("{wrong} is right"));
        assert_eq!(told.help, [help], "{wrong}: {}", problem(told));
        let column = ["ok", "price", "d", "bl", "n"];
        let column = column.into_iter().find(|it| {
            wrong.contains(&format!(",{it}\n")) || wrong.contains(&format!("\"{it}\":"))
        });
        let files = match right.starts_with("users") {
            true => vec![("a", right)],
            false => vec![("a", seed.as_str()), (name, right)],
        };
        assert_eq!(bed.seed(&files).await, "a new +users.a", "{right}");
        let found = bed
            .ask(&format!(
                "SELECT CAST({} AS TEXT) FROM users",
                column.unwrap()
            ))
            .await;
        assert_eq!(found, value, "{right}");
    }
}

#[tokio::test]
async fn a_label_in_a_file_of_rows_stands_under_the_short_name() {
    let bed = Bed::memory(SCHEMA).await;
    let seed = "users: {ann: {email: a}}\nmarks: !csv m.csv\n";
    let wrong = [("a", seed), ("m.csv", "id,user_id\nx,ann\n")];
    let plan = bed.observed(&Seeds::of_texts(wrong)).await;
    let help = "the label of a row of `users` stands under the name `user`";
    assert_eq!(plan.problems[0].help, [help]);
    bed.seed(&[("a", seed), ("m.csv", "id,user\nx,ann\n")])
        .await;
    assert_eq!(bed.ask("SELECT count(user_id) FROM marks").await, "1");
}

#[tokio::test]
async fn the_key_changed_is_said_of_keys_that_change() {
    let mut bed = Bed::memory(SCHEMA).await;
    let file = "users: {ann: {email: a, n: 1}}\n";
    bed.settles(file).await;
    bed.settles(&file.replace("ann: {", "anna: {_was: ann, "))
        .await;
    bed.by_hand("UPDATE users SET n = 2").await;
    bed.options.refresh = Refresh::Yes;
    let renamed = file.replace("ann:", "anna:");
    let plan = bed.observed(&Seeds::of_texts([("a", &*renamed)])).await;
    let notes: Vec<_> = plan.files[0].changes.iter().map(|it| &it.note).collect();
    assert_eq!(notes, [&None]);
    let keyed = Bed::memory(SCHEMA).await;
    let file = "users: {_key: email, ann: {email: a}}\n";
    keyed.settles(file).await;
    let edited = file.replace("email: a", "email: b");
    let plan = keyed.observed(&Seeds::of_texts([("a", &*edited)])).await;
    let note = plan.files[0].changes[0].note.as_deref();
    assert_eq!(note, Some("the key changed"));
}

#[tokio::test]
async fn an_edited_override_is_an_edit() {
    let bed = Bed::memory(SCHEMA).await;
    let base = "users: {ann: {email: a, n: 1}}\n";
    let over = "users: {ann: {_override: true, n: 2}}\n";
    let states = async |over: &str| {
        let files = [("a", base), ("dev/o", over)];
        let plan = bed.observed(&Seeds::of_texts(files)).await;
        let states: Vec<FileState> = plan.files.iter().map(|it| it.state).collect();
        bed.seed(&files).await;
        states
    };
    assert_eq!(states(over).await, [FileState::New, FileState::New]);
    assert_eq!(states(over).await, [FileState::Applied, FileState::Applied]);
    let edited = over.replace("n: 2", "n: 3");
    assert_eq!(
        states(&edited).await,
        [FileState::Edited, FileState::Edited]
    );
    let respelled = edited.replace("n: 3", "n:  3");
    assert_eq!(
        states(&respelled).await,
        [FileState::Respelled, FileState::Respelled]
    );
    // It has no rows of its own that could stay.
    let plan = bed.observed(&Seeds::of_texts([("a", base)])).await;
    let message = "seed dev/o was applied, and its file is gone";
    assert!(
        plan.problems.iter().any(|it| it.message == message),
        "{:?}",
        plan.problems
    );
}
