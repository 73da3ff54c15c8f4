//! The layout of `_migrations`, and the SQL that makes it.
//!
//! It is neither STRICT nor WITHOUT ROWID: an old `sqlite3` must be able to open the file and read the table. The
//! long texts stand last, so that reading the rest does not walk through them.

/// The name of the table without a setting: see [`crate::db::HistoryTable`]. The statements here are written with it.
pub const TABLE: &str = crate::db::HistoryTable::DEFAULT;

/// The newest layout that this version writes. From layout 2 on a text may be packed, and the rows of seeds are
/// remembered by the recorded text, with `_seedbed_rows` for what does not follow from it. A database with a newer layout
/// is left alone.
pub const LAYOUT: i64 = 2;

/// The layout of a history with neither, which every version reads. The first packed text and the first seed raise it.
pub(super) const FIRST_LAYOUT: i64 = 1;

/// Raises the layout to `?1`.
pub(super) const RAISE_LAYOUT: &str = "\
UPDATE _migrations SET detail = ?1 WHERE kind = 'meta' AND version = 'layout'";

/// Makes the table. The columns:
///
/// | column | |
/// |---|---|
/// | `kind` | `migration`, `repeatable`, `seed`, `import`, or `meta` (versions `layout`, `revision`, `environment`, `database_id`, `undone`) |
/// | `version` | an integer for migrations, text for the rest; it has no type, so that integers stay integers |
/// | `name`, `checksum` | words of the file name; sha256 of the canonical text. Of `revision`: the ids of the last runs, one for each revision, newest first |
/// | `effective` | of seeds: hash of what the file amounts to after expansion |
/// | `state` | `applied` or `started` |
/// | `applied_at`, `duration_ms` | UTC `YYYY-MM-DDTHH:MM:SS.sssZ` by the database's clock; whole milliseconds |
/// | `run_id`, `applied_by` | the run that wrote the row, and who ran it |
/// | `detail` | of `meta` rows: the value. Of others: a JSON object, see [`DOWN_CHECKSUM`], [`FILE_LAYOUT`], [`BASELINE`], [`ADOPTED_FROM`], [`UNDOING`] and [`VIOLATIONS`] |
/// | `source`, `down` | the canonical texts of the file as applied and of its down file; of more than 1 MiB as a BLOB in the format of gzip, from layout 2 on |
///
/// While a run is under way, `source`, `down` and `checksum` of `revision` hold what its guards compare with.
pub(super) const CREATE: &str = "\
CREATE TABLE IF NOT EXISTS _migrations (
  kind TEXT NOT NULL,
  version NOT NULL,
  name TEXT,
  checksum TEXT,
  effective TEXT,
  state TEXT NOT NULL,
  applied_at TEXT,
  duration_ms INTEGER,
  run_id TEXT,
  applied_by TEXT,
  detail TEXT,
  source TEXT,
  down TEXT,
  PRIMARY KEY (kind, version)
)";

/// The columns of the table, without which it is another tool's.
const COLUMNS: [&str; 13] = [
    "kind",
    "version",
    "name",
    "checksum",
    "effective",
    "state",
    "applied_at",
    "duration_ms",
    "run_id",
    "applied_by",
    "detail",
    "source",
    "down",
];

/// Whether a `CREATE TABLE` makes the table that this program reads.
pub(crate) fn makes_ours(sql: &str) -> bool {
    // Most tables are told apart without their tokens.
    if !sql.contains("applied_by") {
        return false;
    }
    let names: Vec<String> = crate::sql::significant(sql)
        .map(|token| crate::sql::unquote(token.text(sql)))
        .collect();
    let has = |column: &str| names.iter().any(|name| name.eq_ignore_ascii_case(column));
    COLUMNS.iter().all(|column| has(column))
}

/// The layout that a row of the table records, by the names of its columns; without names the row has all of them.
pub(crate) fn layout_of(names: &[String], row: &[crate::sql::ValueRef<'_>]) -> Option<i64> {
    use crate::sql::ValueRef;
    let value = |column: &str| {
        let at = match names {
            [] => COLUMNS.iter().position(|name| *name == column)?,
            names => names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(column))?,
        };
        match row.get(at)? {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(str::to_owned),
            ValueRef::Integer(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let is_layout = value("kind")? == "meta" && value("version")? == "layout";
    is_layout.then(|| value("detail")?.parse().ok()).flatten()
}

/// The first rows: layout and revision. `?1` is the layout.
pub(super) const FIRST_ROWS: &str = "\
INSERT OR IGNORE INTO _migrations (kind, version, state, detail)
VALUES ('meta', 'layout', 'applied', ?1), ('meta', 'revision', 'applied', 0)";

/// Remembers an adopted migration that is undone: what another tool has recorded of it is out of date from then on. `?1` and
/// `?2` are its key. The row `undone` holds the versions as a JSON array.
pub(super) const REMEMBER_UNDONE: &str = "\
INSERT INTO _migrations (kind, version, state, detail)
SELECT 'meta', 'undone', 'applied', json_array(version) FROM _migrations
WHERE kind = ?1 AND version = ?2 AND detail ->> '$.baseline'
ON CONFLICT (kind, version) DO UPDATE SET detail = json_insert(detail, '$[#]', excluded.detail ->> '$[0]')";

/// Gives the database an id of its own where it has none: tables of earlier versions have none.
pub(super) const IDENTIFY: &str = "\
INSERT OR IGNORE INTO _migrations (kind, version, state, detail)
VALUES ('meta', 'database_id', 'applied', lower(hex(randomblob(16))))";

/// Gives the database another id than the one that it was copied with.
pub(super) const IDENTIFY_COPY: &str = "\
UPDATE _migrations SET detail = lower(hex(randomblob(16))) WHERE kind = 'meta' AND version = 'database_id'";

/// The id of the database.
pub(super) const DATABASE_ID: &str = "\
SELECT detail FROM _migrations WHERE kind = 'meta' AND version = 'database_id'";

/// Key of `detail`: sha256 of the down file's canonical text.
pub const DOWN_CHECKSUM: &str = "down_checksum";

/// Key of `detail`: `true` where a migration was taken as applied by `baseline`, and never run.
pub const BASELINE: &str = "baseline";

/// Key in the `detail` of a migration: the layout of its file, where that is not Seedbed's own.
pub const FILE_LAYOUT: &str = "layout";

/// Key in the `detail` of a migration: the tool whose history it was taken from.
pub const ADOPTED_FROM: &str = "adopted_from";

/// Key in the `detail` of a migration: when that tool applied it, where it says so.
pub const ADOPTED_AT: &str = "adopted_at";

/// Key of `detail`: where an undo outside of a transaction is under way or died, when it began (`at`) and who runs it
/// (`by`).
pub const UNDOING: &str = "undoing";

/// Key of `detail`: how many rows a seed has.
pub const ROWS: &str = "rows";

/// Key of `detail`: the environment that a seed was applied for.
pub const SEED_ENVIRONMENT: &str = "environment";

/// Key of `detail`: what a seed wrote into cells whose values are not recorded (`!env`, `!hash`, `!now`, `!ago`), as
/// `{"salt", "by", "cells"}`. `cells` has a salted hash of each value by a salted hash of where it was written (by the label
/// of the row from layout 2 on, else by its key), and an empty
/// text where the value is not known. Empty where there is no such cell.
pub const WRITTEN: &str = "written";

/// Key of `detail`: what a seed's rows follow from besides its text, as `{"names", "columns", "shared", "files"}`. `names` has
/// the names by which ids and generated values are made, by table in lower case, where that is not the name; `columns` for
/// each table the names that its columns had first, where they have others by now; `shared` the text
/// of `_tables.yaml`; `files` the sha256 of each file that `!file` names. Records of layout 1 do not have it.
pub const MEMORY: &str = "memory";

/// Key of `detail`: tables that were dropped since a seed was applied, in lower case. What it made in them is forgotten.
pub const DROPPED: &str = "dropped";

/// Key of `detail`: what migrations renamed since a seed was applied, as `[{"tables", "columns"}]` with an entry for each
/// migration. `tables` is an object of the names before and after, `columns` a list of `[table, before, after]` with the
/// name of the table afterwards.
pub const RENAMED: &str = "renamed";

/// Key of `detail`: the foreign key violations that were there before a unit that runs with foreign keys off, as
/// `[{"child", "parent", "count"}]`. Tables with a mismatch are left out.
pub const VIOLATIONS: &str = "violations_before";

/// The table that remembers how far an import into this database has come, for as long as it is not finished. One row.
///
/// | column | |
/// |---|---|
/// | `name` | the dump |
/// | `offset`, `line`, `sha256` | all of the dump before this byte is in the database: its line from 1, and the hash of what stands before it |
/// | `run_id`, `applied_by` | the run that wrote the row, and who ran it |
/// | `started_at`, `written_at` | by the database's clock, as in `_migrations` |
/// | `detail` | JSON: the tables with their rows, and what was made |
pub const UNFINISHED: &str = "_seedbed_import";
