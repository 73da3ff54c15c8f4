//! Random lives of rows that refer to each other, whose tables and columns migrations rename. Each specification gets a new
//! and empty database.

use std::collections::{BTreeMap, BTreeSet};

use seedbed::seeds::ForgetRows;

use super::Bed;
use crate::dice::Dice;
use crate::world::World;

/// What a file declares: the value of each parent by label, and that of each child by the label of its parent and number.
#[derive(Clone, Default, Debug)]
struct File {
    parents: BTreeMap<char, usize>,
    children: BTreeMap<(char, usize), usize>,
}

/// The names of now.
#[derive(Clone)]
struct Names {
    parents: String,
    children: String,
    value: String,
    /// The name of the table of children before, as long as the file says it.
    was: Option<String>,
}

fn text(file: &File, names: &Names, id: &str) -> String {
    let Names {
        parents,
        children,
        value,
        was,
    } = names;
    let mut text = format!("_seed: {{mode: sync}}\n{parents}:\n  _key: k\n{id}");
    for (label, number) in &file.parents {
        text.push_str(&format!("  {label}: {{k: key_{label}, v: v{number}}}\n"));
    }
    if file.children.is_empty() && was.is_none() {
        return text;
    }
    text.push_str(&format!("{children}:\n"));
    if let Some(was) = was {
        text.push_str(&format!("  _was: {was}\n"));
    }
    for ((parent, n), number) in &file.children {
        text.push_str(&format!(
            "  {parent}{n}: {{parent: {parent}, n: {n}, {value}: v{number}}}\n"
        ));
    }
    text
}

/// Children by the key of their parent and their number.
async fn children(bed: &Bed, names: &Names) -> BTreeMap<(char, usize), String> {
    let all = bed
        .ask(&format!(
            "SELECT k, n, c.{} FROM {} AS c JOIN {} AS p ON c.parent_id = p.id ORDER BY 1, 2",
            names.value, names.children, names.parents
        ))
        .await;
    let row = |row: &str| {
        let parts: Vec<&str> = row.split('|').collect();
        let label = parts[0].chars().last().unwrap();
        ((label, parts[1].parse().unwrap()), parts[2].to_owned())
    };
    all.split_whitespace().map(row).collect()
}

pub(crate) async fn random_generations_keep_their_promises(world: World) {
    let mut bed = Bed::new(world, "CREATE TABLE first (id INTEGER PRIMARY KEY);").await;
    let mut migrations = vec![(
        "V1__schema.sql".to_owned(),
        "CREATE TABLE first (id INTEGER PRIMARY KEY);".to_owned(),
    )];
    // More by hand: `SEEDBED_TEST_LIVES=300`.
    let lives = std::env::var("SEEDBED_TEST_LIVES").ok();
    let lives: u64 = lives.and_then(|many| many.parse().ok()).unwrap_or(4);
    for life in 0..lives {
        let mut dice = Dice(life + 7_000);
        let (numbers, id) = [
            ("", ""),
            ("", "  _id: !auto\n"),
            (" AUTOINCREMENT", "  _id: !auto\n"),
        ][dice.below(3)];
        let mut names = Names {
            parents: format!("p{life}"),
            children: format!("c{life}"),
            value: "v".to_owned(),
            was: None,
        };
        let schema = format!(
            "CREATE TABLE {p} (id INTEGER PRIMARY KEY{numbers}, k TEXT UNIQUE, v TEXT);
             CREATE TABLE {c} (parent_id INTEGER NOT NULL REFERENCES {p} (id), n INTEGER, v TEXT, PRIMARY KEY (parent_id, n));
             INSERT INTO {p} (id, k, v) VALUES (7, 'key_a', 'own');",
            p = names.parents,
            c = names.children,
        );
        migrate(&mut bed, &mut migrations, schema).await;
        let mut file = File::default();
        let mut removed: BTreeSet<(char, usize)> = BTreeSet::new();
        let mut ever_removed: BTreeSet<(char, usize)> = BTreeSet::new();
        let mut by_hand: BTreeMap<(char, usize), String> = BTreeMap::new();
        let mut story = Vec::new();
        for step in 0..10 {
            let before_edit = file.clone();
            for _ in 0..dice.below(4) {
                let label = char::from(b'a' + u8::try_from(dice.below(4)).unwrap());
                let child = (label, dice.below(3));
                match dice.below(5) {
                    0 => {
                        file.parents.remove(&label);
                        file.children.retain(|(parent, _), _| *parent != label);
                    }
                    1 => drop(file.children.remove(&child)),
                    2 => *file.parents.entry(label).or_default() += 1,
                    _ => {
                        file.parents.entry(label).or_default();
                        *file.children.entry(child).or_default() += 1;
                    }
                }
            }
            let there: Vec<_> = children(&bed, &names).await.into_keys().collect();
            if !there.is_empty() {
                let child @ (label, n) = there[dice.below(there.len())];
                let parent = format!("(SELECT id FROM {} WHERE k = 'key_{label}')", names.parents);
                let here = format!("parent_id = {parent} AND n = {n}");
                match dice.below(4) {
                    0 => {
                        let value = format!("hand{step}");
                        let sql = format!(
                            "UPDATE {} SET {} = '{value}' WHERE {here}",
                            names.children, names.value
                        );
                        bed.by_hand(&sql).await;
                        story.push(sql);
                        by_hand.insert(child, value);
                    }
                    1 => {
                        let sql = format!("DELETE FROM {} WHERE {here}", names.children);
                        bed.by_hand(&sql).await;
                        story.push(sql);
                        removed.insert(child);
                        ever_removed.insert(child);
                        by_hand.remove(&child);
                    }
                    _ => {}
                }
            }
            let sql = match dice.below(6) {
                0 => {
                    let to = format!("p{life}_{step}");
                    let sql = format!("ALTER TABLE {} RENAME TO {to};", names.parents);
                    names.parents = to;
                    sql
                }
                1 => {
                    let to = format!("c{life}_{step}");
                    let sql = format!("ALTER TABLE {} RENAME TO {to};", names.children);
                    let was = std::mem::replace(&mut names.children, to);
                    names.was = (dice.below(2) == 0 && !file.children.is_empty()).then_some(was);
                    sql
                }
                2 => {
                    let to = format!("v_{step}");
                    let sql = format!(
                        "ALTER TABLE {} RENAME COLUMN {} TO {to};",
                        names.children, names.value
                    );
                    names.value = to;
                    sql
                }
                _ => String::new(),
            };
            if !sql.is_empty() {
                story.push(sql.clone());
                migrate(&mut bed, &mut migrations, sql).await;
            }
            let text = text(&file, &names, id);
            story.push(text.clone());
            let before = children(&bed, &names).await;
            let told = bed.one(&text).await;
            story.push(told.clone());
            let story = || format!("life {life}, step {step}:\n{}", story.join("\n"));
            assert!(
                !told.contains(": ") || told.starts_with("a "),
                "{told}\n{}",
                story()
            );
            let after = children(&bed, &names).await;
            // A second run changes nothing.
            let again = bed.one(&text).await;
            let writes = |word: &str| word.starts_with(['+', '~', '-']);
            assert!(!again.split(' ').any(writes), "{again}\n{}", story());
            assert_eq!(children(&bed, &names).await, after, "{}", story());
            // Mode `sync` leaves what is declared, and nothing that a person removed comes back.
            for child in after.keys() {
                assert!(file.children.contains_key(child), "{child:?}\n{}", story());
                assert!(!removed.contains(child), "{child:?}\n{}", story());
            }
            for child in file.children.keys() {
                let is_there = after.contains_key(child) || ever_removed.contains(child);
                assert!(is_there, "{child:?}\n{}", story());
            }
            // Only differences of the file are applied, and never over what was done by hand.
            for (child, value) in &after {
                let same = before_edit.children.get(child) == file.children.get(child);
                if let (Some(before), true) = (before.get(child), same) {
                    assert_eq!(before, value, "{child:?}\n{}", story());
                }
                if let Some(hand) = by_hand.get(child) {
                    assert_eq!(hand, value, "{child:?}\n{}", story());
                }
            }
            // What left the file and comes again is what it was.
            by_hand.retain(|child, _| after.contains_key(child));
            removed.retain(|child| file.children.contains_key(child));
            let own = format!("SELECT count(*) FROM {} WHERE id = 7", names.parents);
            assert_eq!(bed.ask(&own).await, "1", "{}", story());
        }
        bed.forget("a", ForgetRows::Go, &[]).await;
        assert_eq!(
            children(&bed, &names).await.len(),
            0,
            "{}",
            story.join("\n")
        );
        let left = format!("SELECT k FROM {}", names.parents);
        assert_eq!(bed.ask(&left).await, "key_a", "{}", story.join("\n"));
    }
}

async fn migrate(bed: &mut Bed, migrations: &mut Vec<(String, String)>, sql: String) {
    let version = migrations.len() + 1;
    migrations.push((format!("V{version}__m.sql"), sql));
    let files: Vec<(&str, &str)> = migrations
        .iter()
        .map(|(name, sql)| (name.as_str(), sql.as_str()))
        .collect();
    bed.migrate(&files).await;
}
