//! The order of files, tables, rows and columns means nothing, and neither do line ends.

use std::collections::BTreeMap;

use seedbed::seeds::{SeedFile, Seeds};

use super::Bed;

const SCHEMA: &str = "
CREATE TABLE teams (name TEXT PRIMARY KEY, lead_id TEXT REFERENCES users (id));
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT UNIQUE, age INT,
                    team TEXT NOT NULL REFERENCES teams (name), boss_id TEXT REFERENCES users (id));
CREATE TABLE notes (user_id TEXT NOT NULL REFERENCES users (id), n INT, text TEXT, PRIMARY KEY (user_id, n));
CREATE TABLE marks (id INTEGER PRIMARY KEY, user_id TEXT REFERENCES users (id), word TEXT UNIQUE);
";

/// Tables with their rows, each row in a line.
const TABLES: [(&str, &[&str]); 5] = [
    (
        "teams",
        &[
            "red: {name: Red, lead_id: !ref users.ann.id}",
            "blue: {name: Blue, lead_id: !ref users.bob.id}",
            "grey: {name: Grey}",
        ],
    ),
    (
        "users",
        &[
            "ann: {email: ann@x, phone: !fake phone.e164, age: !int 1..99, team: !ref teams.red.name, boss: bob}",
            "bob: {email: bob@x, phone: !fake phone.e164, age: !int 1..99, team: !ref teams.blue.name, boss: cid}",
            "cid: {email: cid@x, phone: !fake phone.e164, age: !pick [1, 2, 3], team: !ref teams.red.name, boss: ann}",
            "dot_{1..9}: {email: \"${label}@x\", phone: !fake phone.e164, age: !int 1..9, team: Grey, boss: ann}",
        ],
    ),
    (
        "notes",
        &[
            "one: {user: ann, n: 1, text: !fake sentence}",
            "two: {user: ann, n: 2, text: !fake sentence}",
            "each_{users.dot_*}: {user: \"${each}\", n: 1, text: \"${label}\"}",
        ],
    ),
    (
        "marks",
        &[
            "m_{1..20}: {word: !fake word, user: cid}",
            "n_{marks_of.none}: {}",
        ],
    ),
    ("unused", &[]),
];

/// Numbers that look random: <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % n as u64).unwrap()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The same rows in some order, in some files.
fn shuffled(random: &mut Random) -> Vec<(String, String)> {
    let mut files: BTreeMap<String, Vec<(usize, Vec<&str>)>> = BTreeMap::new();
    let mut rows: Vec<(usize, &str)> = Vec::new();
    for (at, (_, lines)) in TABLES.iter().enumerate() {
        let lines = lines.iter().filter(|line| !line.contains("marks_of"));
        rows.extend(lines.map(|line| (at, *line)));
    }
    random.shuffle(&mut rows);
    let count = 1 + random.below(4);
    for (table, line) in rows {
        let file = format!("f{}", random.below(count));
        let tables = files.entry(file).or_default();
        match tables.iter_mut().find(|(at, _)| *at == table) {
            Some((_, lines)) => lines.push(line),
            None => tables.push((table, vec![line])),
        }
    }
    files
        .into_iter()
        .map(|(name, mut tables)| {
            random.shuffle(&mut tables);
            let mut text = "_seed: {random: 7}\n".to_owned();
            for (table, lines) in tables {
                text.push_str(&format!("{}:\n", TABLES[table].0));
                for line in lines {
                    text.push_str(&format!("  {line}\n"));
                }
            }
            (name, text)
        })
        .collect()
}

#[tokio::test]
async fn shuffled_files_tables_and_rows_give_the_same_database() {
    let mut random = Random(1);
    let mut first: Option<Vec<String>> = None;
    for round in 0..20 {
        let files = shuffled(&mut random);
        let texts: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let bed = Bed::memory(SCHEMA).await;
        let told = bed.seed(&texts).await;
        let dump = bed.dump().await;
        assert_eq!(dump.len(), 3 + 12 + 11 + 20, "{told} {files:#?}");
        match &first {
            None => first = Some(dump),
            Some(first) => assert_eq!(dump, *first, "round {round}: {files:#?}"),
        }
        // The same rows, spread over files otherwise, are the same rows.
        assert_eq!(bed.seed(&texts).await, "");
    }
}

fn read(line_end: &str) -> Vec<SeedFile> {
    let folder = tempfile::tempdir().unwrap();
    let root = std::path::Path::new(crate::ROOT).join("seeds");
    for name in ["010_users.yaml", "test/010_edge_cases.yaml"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        let text = text.replace("\r\n", "\n").replace('\n', line_end);
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let seeds = Seeds::read_dir(folder.path()).unwrap();
    assert_eq!(seeds.problems, []);
    seeds.files
}

#[test]
fn a_copy_with_other_line_ends_is_the_same_seed() {
    let (unix, windows) = (read("\n"), read("\r\n"));
    for (unix, windows) in unix.iter().zip(&windows) {
        assert_eq!(unix.checksum, windows.checksum);
        assert_eq!(unix.tables, windows.tables);
    }
}
