//! What other tools record of each migration: read so that their history can be taken over. It looks and never writes.
//!
//! Sources: the tools' own code. `docs/from/` has a page for each tool.

use super::error::HistoryError;
use super::read::{History, read_beside};
use super::recorded_texts::foreign;
use crate::db::{Db, Query, Reply, if_accepted};
use crate::schema::{self, ObjectKind, Schema};
use crate::sql::{Value, identifier};

/// The checksum of a file that a tool records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksums {
    /// None.
    None,
    /// SHA-384 of the bytes, in hexadecimal.
    Sha384,
    /// SHA-256 of the bytes, in hexadecimal.
    Sha256,
    /// What refinery computes of name, version and text, in decimal.
    Refinery,
}

/// What a tool calls its migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// By their number.
    Number,
    /// By their file, or the folder of it.
    File,
    /// By the time at which the file was generated, in milliseconds.
    Time,
}

/// A tool whose history can be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adoptable {
    /// Its name, as in [`OTHER_TOOLS`](super::OTHER_TOOLS).
    pub(crate) tool: &'static str,
    /// The word for `--from`.
    pub(crate) word: &'static str,
    table: &'static str,
    /// Rows of four: what it calls the migration, its state (1 applied, 0 unfinished), the checksum, and when it was
    /// applied, in UTC.
    rows: &'static str,
    pub(crate) called: Called,
    pub(crate) checksums: Checksums,
    /// Whether one row stands for all migrations up to its number.
    pub(crate) newest_only: bool,
}

const fn tool(
    (tool, word): (&'static str, &'static str),
    table: &'static str,
    called: Called,
    checksums: Checksums,
    rows: &'static str,
) -> Adoptable {
    Adoptable {
        tool,
        word,
        table,
        rows,
        called,
        checksums,
        newest_only: false,
    }
}

/// All of them.
pub(crate) const ADOPTABLE: [Adoptable; 11] = [
    tool(
        ("sqlx", "sqlx"),
        "_sqlx_migrations",
        Called::Number,
        Checksums::Sha384,
        "SELECT version, success, lower(hex(checksum)), strftime('%Y-%m-%dT%H:%M:%fZ', installed_on) \
         FROM _sqlx_migrations ORDER BY version",
    ),
    tool(
        ("refinery", "refinery"),
        "refinery_schema_history",
        Called::Number,
        Checksums::Refinery,
        "SELECT version, 1, checksum, strftime('%Y-%m-%dT%H:%M:%fZ', applied_on) FROM refinery_schema_history \
         ORDER BY version",
    ),
    tool(
        ("Diesel", "diesel"),
        "__diesel_schema_migrations",
        Called::Number,
        Checksums::None,
        "SELECT CASE WHEN length(replace(version, '-', '')) BETWEEN 8 AND 13 \
         THEN substr(replace(version, '-', '') || '000000', 1, 14) ELSE replace(version, '-', '') END, 1, NULL, \
         strftime('%Y-%m-%dT%H:%M:%fZ', run_on) \
         FROM __diesel_schema_migrations ORDER BY version",
    ),
    // Its first row is version 0, which is no migration. The newest row of a version says whether it is applied.
    tool(
        ("goose", "goose"),
        "goose_db_version",
        Called::Number,
        Checksums::None,
        "SELECT version_id, 1, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', tstamp) FROM goose_db_version v \
         WHERE version_id > 0 AND is_applied \
         AND id = (SELECT max(id) FROM goose_db_version WHERE version_id = v.version_id) ORDER BY version_id",
    ),
    Adoptable {
        newest_only: true,
        ..tool(
            ("golang-migrate", "golang-migrate"),
            "schema_migrations",
            Called::Number,
            Checksums::None,
            "SELECT version, CASE WHEN dirty THEN 0 ELSE 1 END, NULL, NULL FROM schema_migrations WHERE version >= 0 OR dirty",
        )
    },
    tool(
        ("dbmate", "dbmate"),
        "schema_migrations",
        Called::Number,
        Checksums::None,
        "SELECT version, 1, NULL, NULL FROM schema_migrations ORDER BY CAST(version AS INTEGER)",
    ),
    tool(
        ("geni", "geni"),
        "schema_migrations",
        Called::Number,
        Checksums::None,
        "SELECT id, 1, NULL, NULL FROM schema_migrations ORDER BY CAST(id AS INTEGER)",
    ),
    tool(
        ("drizzle", "drizzle"),
        "__drizzle_migrations",
        Called::Time,
        Checksums::Sha256,
        "SELECT CAST(created_at AS INTEGER), 1, hash, NULL FROM __drizzle_migrations ORDER BY created_at",
    ),
    // A name may have several rows: those that were rolled back count for nothing.
    tool(
        ("Prisma", "prisma"),
        "_prisma_migrations",
        Called::File,
        Checksums::Sha256,
        "SELECT migration_name, finished_at IS NOT NULL, checksum, CASE typeof(finished_at) WHEN 'integer' \
         THEN strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1000.0, 'unixepoch') \
         ELSE strftime('%Y-%m-%dT%H:%M:%fZ', finished_at) END \
         FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name, finished_at",
    ),
    tool(
        ("wrangler (D1)", "wrangler"),
        "d1_migrations",
        Called::File,
        Checksums::None,
        "SELECT name, 1, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', applied_at) FROM d1_migrations ORDER BY id",
    ),
    tool(
        ("sql-migrate", "sql-migrate"),
        "gorp_migrations",
        Called::File,
        Checksums::None,
        "SELECT id, 1, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', applied_at) FROM gorp_migrations ORDER BY id",
    ),
];

/// A migration that a tool has recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OtherRow {
    /// What the tool calls it.
    pub(crate) called: String,
    /// Whether it finished.
    pub(crate) finished: bool,
    /// Of its file, as the tool computes it.
    pub(crate) checksum: Option<String>,
    /// UTC, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    pub(crate) applied_at: Option<String>,
}

/// The history of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OtherRows {
    pub(crate) of: Adoptable,
    /// Its table.
    pub(crate) table: String,
    /// In the order of the tool.
    pub(crate) rows: Vec<OtherRow>,
}

/// A table that was named as that of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Named {
    /// There is no such table.
    Missing,
    /// This one has other columns than the tool makes.
    OfOtherColumns(String),
    /// It was read.
    Read(OtherRows),
}

/// What an adoption looks at, read in one request.
pub(crate) struct Adopting {
    pub(crate) history: History,
    /// The tools that have recorded a migration.
    pub(crate) tools: Vec<OtherRows>,
    /// Tools with a history that cannot be taken over, and their tables.
    pub(crate) others: Vec<(&'static str, String)>,
    /// The table that was named, where one was.
    pub(crate) named: Option<Named>,
    pub(crate) schema: Schema,
    /// Tables that are not the application's.
    pub(crate) foreign: Vec<String>,
}

/// The table of a tool under another name.
#[derive(Debug, Clone)]
pub(crate) struct NamedTable {
    pub(crate) of: Adoptable,
    pub(crate) table: String,
}

impl NamedTable {
    /// What the tool has recorded in it.
    fn question(&self) -> Query {
        Query::new(
            self.of
                .rows
                .replace(self.of.table, &identifier(&self.table)),
        )
    }
}

/// Reads the history, those of other tools and the schema, in one request. Where a table is named, its history is the only
/// one.
///
/// # Errors
/// As [`read`](super::read()).
pub(crate) async fn read_adopting(
    db: &Db,
    named: Option<&NamedTable>,
) -> Result<Adopting, HistoryError> {
    let rows = ADOPTABLE.map(|it| Query::new(it.rows));
    let of_named = named.map(NamedTable::question);
    let beside = ((rows, of_named), schema::question());
    let (history, found, ((rows, of_named), schema)) = read_beside(db, beside).await?;
    let schema = schema::inspected(schema, db.engine())?;
    let mut foreign = foreign(db, &schema, found.tables());
    if let (Some(named), Some(reply)) = (named, of_named) {
        let tables = schema.objects.iter();
        let there = tables.filter(|it| it.kind == ObjectKind::Table);
        let there = there.map(|it| &it.name);
        let table = there
            .into_iter()
            .find(|it| it.eq_ignore_ascii_case(&named.table));
        let table = table.cloned();
        let rows = if_accepted(reply.rows())?;
        let named = match (table, rows) {
            (None, _) => Named::Missing,
            (Some(table), None) => Named::OfOtherColumns(table),
            (Some(table), Some(rows)) => Named::Read(OtherRows {
                of: named.of,
                table,
                rows: rows.into_iter().map(other_row).collect(),
            }),
        };
        if let Named::Read(OtherRows { table, .. }) = &named {
            foreign.push(table.clone());
        }
        return Ok(Adopting {
            history,
            tools: Vec::new(),
            others: Vec::new(),
            named: Some(named),
            schema,
            foreign,
        });
    }
    let mut tools = Vec::new();
    let mut others = Vec::new();
    let mut rows: Vec<(Adoptable, Option<Reply>)> =
        ADOPTABLE.into_iter().zip(rows.map(Some)).collect();
    for (tool, table) in found.tools().filter(|(_, table)| !db.ignores(table)) {
        let Some((of, reply)) = rows.iter_mut().find(|(of, _)| of.tool == tool) else {
            others.push((tool, table.to_owned()));
            continue;
        };
        let Some(reply) = reply.take() else {
            continue;
        };
        let rows: Vec<OtherRow> = reply.rows()?.into_iter().map(other_row).collect();
        if !rows.is_empty() {
            tools.push(OtherRows {
                of: *of,
                table: table.to_owned(),
                rows,
            });
        }
    }
    Ok(Adopting {
        history,
        tools,
        others,
        named: None,
        schema,
        foreign,
    })
}

fn other_row([called, finished, checksum, applied_at]: [Value; 4]) -> OtherRow {
    let text = |value: Value| match value {
        Value::Text(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Null | Value::Blob(_) => None,
    };
    OtherRow {
        // A boolean is a number or, to some drivers, a word.
        finished: match &finished {
            Value::Integer(number) => *number != 0,
            Value::Text(word) => word.eq_ignore_ascii_case("true"),
            _ => false,
        },
        called: text(called).unwrap_or_default(),
        checksum: text(checksum),
        applied_at: text(applied_at),
    }
}
