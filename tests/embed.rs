//! A set that is compiled in is the set that reading its directory gives.

use seedbed::migrations::Migrations;

#[test]
fn the_files_are_compiled_in_under_the_names_that_reading_gives_them() {
    let embedded = seedbed::embed!("migrations", rebuild = manual);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let read = Migrations::read_dir(format!("{root}migrations"));
    let read = read.expect("the migrations of this repository");
    assert!(!read.versioned.is_empty());
    let named = |set: &Migrations| -> Vec<(String, String, bool)> {
        set.iter()
            .map(|migration| {
                let source = &migration.up.source;
                let name = source.name.strip_prefix(root).unwrap_or(&source.name);
                (
                    name.to_owned(),
                    source.text.to_string(),
                    migration.down.is_some(),
                )
            })
            .collect()
    };
    assert_eq!(named(&embedded), named(&read));
    assert_eq!(embedded.problems, read.problems);
}
