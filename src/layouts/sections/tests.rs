use super::*;

fn divided(layout: Layout, text: &str) -> Divided {
    let source = Arc::new(Source {
        name: "1_a.sql".to_owned(),
        text: text.into(),
    });
    divide(&source, &Rules::of(layout))
}

fn runs(section: Option<Section>) -> (String, Atomicity) {
    let section = section.unwrap();
    (
        section
            .text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        section.atomicity,
    )
}

fn problems(layout: Layout, text: &str) -> Vec<String> {
    let divided = divided(layout, text);
    let shown = |it: &Diagnostic| {
        let place = it.origin().unwrap().place();
        format!("{}:{} {}", place.line, place.column, it.message)
    };
    divided.problems.iter().map(shown).collect()
}

#[test]
fn each_direction_is_as_long_as_the_file_and_holds_only_its_own_statements() {
    for (layout, up, down) in [
        (Layout::Goose, "-- +goose Up", "-- +goose Down"),
        (Layout::Dbmate, "-- migrate:up", "-- migrate:down"),
        (Layout::SqlMigrate, "-- +migrate Up", "-- +migrate Down"),
    ] {
        let text = format!("-- what it does\n{up}\nCREATE TABLE ä (x);\n{down}\nDROP TABLE ä;\n");
        let Divided { up, down, problems } = divided(layout, &text);
        assert_eq!(problems, []);
        let (up, down) = (up.unwrap(), down.unwrap());
        assert_eq!((up.text.len(), down.text.len()), (text.len(), text.len()));
        assert_eq!(up.text.find("CREATE"), text.find("CREATE"));
        assert_eq!(down.text.find("DROP"), text.find("DROP"));
        assert_eq!(down.recorded(), "DROP TABLE ä;\n");
        assert_eq!(runs(Some(up)).0, "-- what it does -- CREATE TABLE ä (x);");
    }
}

#[test]
fn a_statement_between_begin_and_end_needs_no_semicolon() {
    let text = "-- +goose Up\n-- +goose StatementBegin\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END\n\
                -- +goose StatementEnd\nCREATE TABLE b (x);";
    let (up, _) = runs(divided(Layout::Goose, text).up);
    assert_eq!(
        up,
        "-- -- CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END ; CREATE TABLE b (x);"
    );
}

#[test]
fn a_marker_takes_its_section_out_of_the_transaction_and_goose_takes_both() {
    let atomicity = |layout, text: &str| {
        let divided = divided(layout, text);
        (
            runs(divided.up).1,
            divided.down.map(|down| (down.atomicity, down.recorded())),
        )
    };
    let (up, down) = atomicity(
        Layout::Goose,
        "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM;\n-- +goose Down\nSELECT 1;",
    );
    assert_eq!(up, Atomicity::Bare);
    assert_eq!(
        down,
        Some((
            Atomicity::Bare,
            "-- seedbed: no-transaction\nSELECT 1;\n".to_owned()
        ))
    );
    let (up, down) = atomicity(
        Layout::Dbmate,
        "-- migrate:up\nSELECT 2;\n-- migrate:down transaction:false\nVACUUM;",
    );
    assert_eq!(
        (up, down.unwrap().0),
        (Atomicity::Transaction, Atomicity::Bare)
    );
    let (up, _) = atomicity(Layout::SqlMigrate, "-- +migrate Up notransaction\nVACUUM;");
    assert_eq!(up, Atomicity::Bare);
}

#[test]
fn what_the_tool_refuses_is_refused_at_its_place() {
    for (layout, text, expect) in [
        (
            Layout::Goose,
            "CREATE TABLE a (x);\n-- +goose Up\nSELECT 1;",
            "1:1 this statement stands above `-- +goose Up`, so goose does not run it",
        ),
        (
            Layout::Goose,
            "-- +goose Down\nSELECT 1;\n-- +goose Up\nSELECT 1;",
            "1:1 `-- +goose Down` stands above `-- +goose Up`, which goose refuses",
        ),
        (
            Layout::Dbmate,
            "-- migrate:up\n-- migrate:up\n",
            "2:1 `-- migrate:up` stands a second time in this file, which dbmate refuses",
        ),
        (
            Layout::Goose,
            "SELECT 1;",
            "1:1 this file has no section `-- +goose Up`, so goose would not apply it",
        ),
        (
            Layout::Goose,
            "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${A}';",
            "2:1 goose replaces variables of the environment here, and Seedbed does not",
        ),
        (
            Layout::Goose,
            "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;",
            "2:1 this StatementBegin has no StatementEnd",
        ),
        (
            Layout::Goose,
            "-- +goose Up\n-- +goose Upp\nSELECT 1;",
            "2:1 `+goose Upp` is an instruction that goose does not have",
        ),
    ] {
        assert_eq!(problems(layout, text), [expect], "{text}");
    }
    let continued =
        "-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n-- +migrate Up\nSELECT 3;";
    assert_eq!(problems(Layout::SqlMigrate, continued), [""; 0]);
    assert_eq!(
        runs(divided(Layout::SqlMigrate, continued).up).0,
        "-- SELECT 1; -- SELECT 3;"
    );
}

#[test]
fn markers_in_texts_and_in_prose_are_none() {
    let text = "-- +goose Up\nINSERT INTO a VALUES ('\n-- +goose Down\n');\n/* -- +goose Down */\nSELECT 1; -- +goose Down\n";
    let divided = divided(Layout::Goose, text);
    assert!(divided.down.is_none() && divided.problems.is_empty());
}
