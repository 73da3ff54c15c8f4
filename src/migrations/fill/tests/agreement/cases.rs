//! A schema, a new migration for it, and rows, by chance.

/// Numbers that look random and are the same each time: <https://prng.di.unimi.it/splitmix64.c>.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        (number % n.max(1) as u64) as usize
    }

    /// True once in `n` times.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A kind of column: its type, a constraint on `@`, and values.
struct Kind {
    declared: &'static str,
    check: &'static str,
    values: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        declared: "TEXT",
        check: "",
        values: &[
            "'a'",
            "'b'",
            "''",
            "'hello world'",
            "'ZZ'",
            "'12'",
            "'x@y.zz'",
            "'a text of more than thirty letters'",
        ],
    },
    Kind {
        declared: "TEXT",
        check: "",
        values: &["'a'", "'b'", "'c'"],
    },
    Kind {
        declared: "TEXT",
        check: "@ IN ('a', 'b', 'c')",
        values: &["'a'", "'b'", "'c'"],
    },
    Kind {
        declared: "TEXT",
        check: "length(@) BETWEEN 1 AND 8",
        values: &["'a'", "'bb'", "'abcdefgh'"],
    },
    Kind {
        declared: "TEXT",
        check: "@ LIKE 'x%'",
        values: &["'x'", "'xa'", "'xyz'"],
    },
    Kind {
        declared: "TEXT",
        check: "json_valid(@)",
        values: &["'{}'", "'[1]'", "'{\"a\":1}'"],
    },
    Kind {
        declared: "INTEGER",
        check: "",
        values: &["-5", "0", "1", "2", "7", "50", "99", "100", "1000"],
    },
    Kind {
        declared: "INTEGER",
        check: "@ >= 0",
        values: &["0", "1", "2", "50", "100"],
    },
    Kind {
        declared: "INTEGER",
        check: "@ BETWEEN 10 AND 20",
        values: &["10", "15", "20"],
    },
    Kind {
        declared: "INTEGER",
        check: "@ IN (0, 1)",
        values: &["0", "1"],
    },
    Kind {
        declared: "REAL",
        check: "",
        values: &["-1.5", "0.0", "2.5", "1000000.0"],
    },
    Kind {
        declared: "REAL",
        check: "@ > 0",
        values: &["0.5", "2.5"],
    },
    Kind {
        declared: "BLOB",
        check: "",
        values: &["x''", "x'01'", "x'0102'"],
    },
];

const NAMES: &[&str] = &[
    "name",
    "status",
    "kind",
    "n",
    "amount",
    "code",
    "note",
    "rank",
    "\"order\"",
];

#[derive(Clone)]
struct Column {
    name: String,
    kind: usize,
    is_not_null: bool,
    is_unique: bool,
    /// The table that it refers to.
    parent: Option<usize>,
}

impl Column {
    fn declared(&self, tables: &[Table]) -> String {
        let kind = &KINDS[self.kind];
        let mut text = match self.parent {
            Some(parent) => {
                let parent = &tables[parent];
                format!(
                    "{} {} REFERENCES {} (id)",
                    self.name,
                    parent.key.declared(),
                    parent.name
                )
            }
            None => format!("{} {}", self.name, kind.declared),
        };
        if self.is_not_null {
            text.push_str(" NOT NULL");
        }
        if self.is_unique {
            text.push_str(" UNIQUE");
        }
        if self.parent.is_none() && !kind.check.is_empty() {
            text.push_str(&format!(" CHECK ({})", kind.check.replace('@', &self.name)));
        }
        text
    }

    fn value(&self, tables: usize, chance: &mut Chance) -> String {
        if !self.is_not_null && chance.one_in(4) {
            return "NULL".to_owned();
        }
        match self.parent {
            Some(_) => format!(
                "(SELECT id FROM t{} ORDER BY random() LIMIT 1)",
                self.parent.unwrap_or(tables)
            ),
            None => (*chance.of(KINDS[self.kind].values)).to_owned(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Integer,
    Autoincrement,
    Text,
}

impl Key {
    fn declared(self) -> &'static str {
        match self {
            Key::Integer | Key::Autoincrement => "INTEGER",
            Key::Text => "TEXT",
        }
    }
}

#[derive(Clone)]
pub(super) struct Table {
    pub(super) name: String,
    key: Key,
    end: &'static str,
    columns: Vec<Column>,
}

impl Table {
    fn new(at: usize, chance: &mut Chance) -> Table {
        let key = *chance.of(&[Key::Integer, Key::Integer, Key::Autoincrement, Key::Text]);
        let end = match key {
            Key::Text if chance.one_in(2) => " WITHOUT ROWID",
            _ if chance.one_in(4) => " STRICT",
            _ => "",
        };
        let mut names = NAMES.to_vec();
        let mut columns = Vec::new();
        for _ in 0..=chance.below(4) {
            let name = names.remove(chance.below(names.len()));
            columns.push(Column {
                name: name.to_owned(),
                kind: chance.below(KINDS.len()),
                is_not_null: chance.one_in(2),
                is_unique: chance.one_in(8),
                parent: match at > 0 && chance.one_in(4) {
                    true => Some(chance.below(at)),
                    false => None,
                },
            });
        }
        Table {
            name: format!("t{at}"),
            key,
            end,
            columns,
        }
    }

    fn create(&self, name: &str, tables: &[Table], more: &[String]) -> String {
        let id = match self.key {
            Key::Integer => "id INTEGER PRIMARY KEY",
            Key::Autoincrement => "id INTEGER PRIMARY KEY AUTOINCREMENT",
            Key::Text => "id TEXT PRIMARY KEY NOT NULL",
        };
        let mut parts = vec![id.to_owned()];
        parts.extend(self.columns.iter().map(|column| column.declared(tables)));
        parts.extend(more.iter().cloned());
        format!("CREATE TABLE {name} ({}){};\n", parts.join(", "), self.end)
    }

    /// Statements that insert rows, one each.
    pub(super) fn rows(&self, chance: &mut Chance) -> Vec<String> {
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        (0..1 + chance.below(6))
            .map(|at| {
                let id = match self.key {
                    Key::Integer | Key::Autoincrement => (at + 1).to_string(),
                    Key::Text => format!("'k{at}'"),
                };
                let values: Vec<String> =
                    self.columns.iter().map(|it| it.value(0, chance)).collect();
                format!(
                    "INSERT OR IGNORE INTO {} (id, {}) VALUES ({id}, {})",
                    self.name,
                    names.join(", "),
                    values.join(", ")
                )
            })
            .collect()
    }
}

pub(super) struct Case {
    pub(super) tables: Vec<Table>,
    pub(super) base: String,
    pub(super) new: String,
}

impl Case {
    pub(super) fn new(chance: &mut Chance) -> Case {
        let tables: Vec<Table> = (0..1 + chance.below(3))
            .map(|at| Table::new(at, chance))
            .collect();
        let mut base = String::new();
        for table in &tables {
            base.push_str(&table.create(&table.name, &tables, &[]));
        }
        let table = chance.of(&tables).clone();
        let column = chance.of(&table.columns).clone();
        match chance.below(6) {
            0 => base.push_str(&format!("CREATE INDEX i ON {} ({});\n", table.name, column.name)),
            1 => base.push_str(&format!("CREATE UNIQUE INDEX i ON {} ({}, id);\n", table.name, column.name)),
            2 => base.push_str(&format!("CREATE VIEW v AS SELECT id FROM {};\n", table.name)),
            3 => base.push_str(&format!(
                "CREATE TABLE log (x);\nCREATE TRIGGER r AFTER INSERT ON {} BEGIN INSERT INTO log VALUES (NEW.id); END;\n",
                table.name
            )),
            _ => {}
        }
        let mut new = String::new();
        for _ in 0..1 + chance.below(2) {
            let table = chance.of(&tables);
            new.push_str(&change(table, &tables, chance));
        }
        Case { tables, base, new }
    }
}

/// What a new version does to a table.
fn change(table: &Table, tables: &[Table], chance: &mut Chance) -> String {
    let t = &table.name;
    let column = chance.of(&table.columns).clone();
    let c = &column.name;
    let kind = &KINDS[column.kind];
    let value = match column.parent {
        Some(_) => "NULL",
        None => *chance.of(kind.values),
    };
    let parent = &tables[0];
    let added = [
        "x TEXT".to_owned(),
        "x TEXT NOT NULL".to_owned(),
        "x TEXT NOT NULL DEFAULT 'a'".to_owned(),
        "x TEXT DEFAULT CURRENT_TIMESTAMP".to_owned(),
        "x INT DEFAULT (1 + 1)".to_owned(),
        "x TEXT DEFAULT NULL".to_owned(),
        format!(
            "x {} REFERENCES {} (id)",
            parent.key.declared(),
            parent.name
        ),
        format!(
            "x {} NOT NULL DEFAULT 0 REFERENCES {} (id)",
            parent.key.declared(),
            parent.name
        ),
        "x INT DEFAULT 5 CHECK (x < 3)".to_owned(),
        "x INT CHECK (x < 3)".to_owned(),
        "x INT NOT NULL DEFAULT 1 CHECK (x > 0)".to_owned(),
        format!("x INT DEFAULT 5 CHECK ({c} <> {value} OR x = 1)"),
        format!("x ANY AS ({c})"),
        format!("x ANY NOT NULL AS ({c})"),
        format!("x ANY AS ({c}) STORED"),
        format!("x ANY AS ({c}) CHECK (x <> {value})"),
        "x INT DEFAULT 'text'".to_owned(),
        "x INT UNIQUE".to_owned(),
    ];
    match chance.below(13) {
        0..=2 => format!("ALTER TABLE {t} ADD COLUMN {};\n", chance.of(&added)),
        3 => format!("ALTER TABLE {t} DROP COLUMN {c};\n"),
        4 => match chance.one_in(2) {
            true => format!("ALTER TABLE {t} RENAME COLUMN {c} TO renamed;\n"),
            false => format!("ALTER TABLE {t} RENAME TO renamed_{t};\n"),
        },
        5 => {
            let on = [
                c.clone(),
                format!("{c}, id"),
                format!("{c}) WHERE ({c} IS NOT NULL"),
                format!("lower({c})"),
            ];
            format!("CREATE UNIQUE INDEX u ON {t} ({});\n", chance.of(&on))
        }
        6 | 7 => rebuild(table, tables, &column, value, chance),
        8 => {
            let condition = [
                String::new(),
                String::new(),
                format!(" WHERE {c} = {value}"),
                " WHERE id < 0".to_owned(),
            ];
            let to = [
                value.to_owned(),
                "NULL".to_owned(),
                "'y'".to_owned(),
                "-3".to_owned(),
                format!("{c} || 'z'"),
                "id".to_owned(),
            ];
            format!(
                "UPDATE {t} SET {c} = {}{};\n",
                chance.of(&to),
                chance.of(&condition)
            )
        }
        9 => format!("INSERT INTO {t} (id) VALUES ({});\n", key(table)),
        10 => {
            let names: Vec<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
            let values: Vec<&str> = table
                .columns
                .iter()
                .map(|it| match it.parent {
                    Some(_) => "NULL",
                    None if it.is_unique => "NULL",
                    None => *chance.of(KINDS[it.kind].values),
                })
                .collect();
            format!(
                "INSERT INTO {t} (id, {}) VALUES ({}, {});\n",
                names.join(", "),
                key(table),
                values.join(", ")
            )
        }
        11 => format!(
            "DELETE FROM {t}{};\n",
            chance.of(&["", " WHERE id IS NULL"])
        ),
        _ => match chance.one_in(2) {
            true => format!("DROP TABLE {t};\n"),
            false => format!(
                "CREATE TRIGGER s BEFORE UPDATE ON {t} BEGIN SELECT RAISE(ABORT, 'closed'); END;\nUPDATE {t} SET {c} = {c};\n"
            ),
        },
    }
}

fn key(table: &Table) -> &'static str {
    match table.key {
        Key::Integer | Key::Autoincrement => "7777",
        Key::Text => "'key7777'",
    }
}

/// A table is made again, with another constraint.
fn rebuild(
    table: &Table,
    tables: &[Table],
    column: &Column,
    value: &str,
    chance: &mut Chance,
) -> String {
    let t = &table.name;
    let c = &column.name;
    let mut next = table.clone();
    let at = table
        .columns
        .iter()
        .position(|it| it.name == *c)
        .unwrap_or(0);
    let mut more = Vec::new();
    let names: Vec<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
    let mut to = format!("id, {}", names.join(", "));
    let mut from = to.clone();
    match chance.below(8) {
        0 => next.columns[at].is_not_null = true,
        1 => next.columns[at].is_unique = true,
        2 => more.push(format!("CHECK ({c} <> {value})")),
        3 => more.push(format!("CHECK (length({c}) < 3)")),
        4 => next.columns.push(extra()),
        5 => {
            next.columns.push(extra());
            to.push_str(", extra");
            from.push_str([", NULL", ", 'x'", ", id"][chance.below(3)]);
        }
        6 => {
            next.columns[at].kind = chance.below(KINDS.len());
            next.columns[at].parent = None;
        }
        _ => {}
    }
    let condition = chance.of(&["", "", " WHERE id IS NOT NULL"]);
    format!(
        "{}INSERT INTO next ({to}) SELECT {from} FROM {t}{condition};\nDROP TABLE {t};\nALTER TABLE next RENAME TO {t};\n",
        next.create("next", tables, &more)
    )
}

fn extra() -> Column {
    Column {
        name: "extra".to_owned(),
        kind: 0,
        is_not_null: true,
        is_unique: false,
        parent: None,
    }
}
