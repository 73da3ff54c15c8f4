//! Tables in which other tools keep their histories: what each is called, which columns it has, and how its applied
//! migrations are read. A table, and nothing else: it is not decided here what follows from one.
//!
//! A tool that can be told to use another table is known by its usual one only.

/// A tool, and the table in which it keeps its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherTool {
    /// What it is called.
    pub name: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The columns of the table, in lower case.
    pub columns: Columns,
    /// A table that it has beside: only then is it this tool, where others have the same table.
    pub beside: Option<&'static str>,
    /// Its applied migrations, the newest last where their names begin with no number: what each is called, and whether
    /// it finished.
    pub applied: &'static str,
    /// What the rows are.
    pub rows: Recorded,
}

/// The columns that tell a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Columns {
    /// These among others: the name of the table is the tool's own.
    Among(&'static [&'static str]),
    /// These and no others: an application could have a table of that name.
    Exactly(&'static [&'static str]),
}

/// What a tool records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recorded {
    /// Each migration.
    Each,
    /// The newest, which stands for all before it.
    Newest,
}

use Columns::{Among, Exactly};

const fn tool(
    name: &'static str,
    table: &'static str,
    columns: Columns,
    applied: &'static str,
) -> OtherTool {
    OtherTool {
        name,
        table,
        columns,
        beside: None,
        applied,
        rows: Recorded::Each,
    }
}

/// Every tool that is known. Of those that share a table, the one with more to tell it by comes first.
pub const OTHER_TOOLS: &[OtherTool] = &[
    tool(
        "sqlx",
        "_sqlx_migrations",
        Among(&["version", "success", "checksum"]),
        "SELECT version, success FROM _sqlx_migrations ORDER BY version",
    ),
    tool(
        "refinery",
        "refinery_schema_history",
        Among(&["version", "name", "checksum"]),
        "SELECT version, 1 FROM refinery_schema_history ORDER BY version",
    ),
    tool(
        "Diesel",
        "__diesel_schema_migrations",
        Among(&["version", "run_on"]),
        // A date is the beginning of its day, as it is to the layout.
        "SELECT CASE WHEN length(replace(version, '-', '')) BETWEEN 8 AND 13 \
         THEN substr(replace(version, '-', '') || '000000', 1, 14) ELSE replace(version, '-', '') END, 1 \
         FROM __diesel_schema_migrations ORDER BY version",
    ),
    // Its first row is version 0, which is no migration. The newest row of a version says whether it is applied.
    tool(
        "goose",
        "goose_db_version",
        Among(&["id", "version_id", "is_applied"]),
        "SELECT version_id, 1 FROM goose_db_version v WHERE version_id > 0 AND is_applied \
         AND id = (SELECT max(id) FROM goose_db_version WHERE version_id = v.version_id) ORDER BY version_id",
    ),
    OtherTool {
        rows: Recorded::Newest,
        ..tool(
            "golang-migrate",
            "schema_migrations",
            Exactly(&["version", "dirty"]),
            "SELECT version, NOT dirty FROM schema_migrations WHERE version >= 0 OR dirty",
        )
    },
    tool(
        "Ecto",
        "schema_migrations",
        Exactly(&["version", "inserted_at"]),
        "SELECT version, 1 FROM schema_migrations ORDER BY version",
    ),
    OtherTool {
        beside: Some("ar_internal_metadata"),
        ..tool(
            "Rails",
            "schema_migrations",
            Exactly(&["version"]),
            "SELECT version, 1 FROM schema_migrations ORDER BY CAST(version AS INTEGER), version",
        )
    },
    tool(
        "dbmate",
        "schema_migrations",
        Exactly(&["version"]),
        "SELECT version, 1 FROM schema_migrations ORDER BY CAST(version AS INTEGER), version",
    ),
    tool(
        "geni",
        "schema_migrations",
        Exactly(&["id"]),
        "SELECT id, 1 FROM schema_migrations ORDER BY CAST(id AS INTEGER), id",
    ),
    // It records the time of its journal's entry, in milliseconds.
    tool(
        "drizzle",
        "__drizzle_migrations",
        Among(&["hash", "created_at"]),
        "SELECT created_at, 1 FROM __drizzle_migrations ORDER BY created_at",
    ),
    tool(
        "Prisma",
        "_prisma_migrations",
        Among(&["migration_name", "finished_at", "rolled_back_at"]),
        "SELECT migration_name, finished_at IS NOT NULL FROM _prisma_migrations WHERE rolled_back_at IS NULL \
         ORDER BY migration_name",
    ),
    tool(
        "wrangler (D1)",
        "d1_migrations",
        Among(&["id", "name", "applied_at"]),
        "SELECT name, 1 FROM d1_migrations ORDER BY id",
    ),
    tool(
        "sql-migrate",
        "gorp_migrations",
        Among(&["id", "applied_at"]),
        "SELECT id, 1 FROM gorp_migrations ORDER BY id",
    ),
    tool(
        "knex",
        "knex_migrations",
        Among(&["id", "name", "batch", "migration_time"]),
        "SELECT name, 1 FROM knex_migrations ORDER BY id",
    ),
    tool(
        "TypeORM",
        "migrations",
        Exactly(&["id", "timestamp", "name"]),
        "SELECT name, 1 FROM migrations ORDER BY timestamp, id",
    ),
    tool(
        "Laravel",
        "migrations",
        Exactly(&["id", "migration", "batch"]),
        "SELECT migration, 1 FROM migrations ORDER BY id",
    ),
    tool(
        "Sequelize",
        "SequelizeMeta",
        Among(&["name"]),
        "SELECT name, 1 FROM SequelizeMeta ORDER BY name",
    ),
    // The newest row of a version, or of a repeatable, says whether it is applied.
    tool(
        "Flyway",
        "flyway_schema_history",
        Among(&["installed_rank", "version", "script", "type", "success"]),
        "SELECT coalesce(version, script), success FROM flyway_schema_history h \
         WHERE type NOT IN ('SCHEMA', 'DELETE') AND NOT (type LIKE 'UNDO%' AND success) \
         AND installed_rank = (SELECT max(installed_rank) FROM flyway_schema_history WHERE type <> 'SCHEMA' \
         AND coalesce(version, script) = coalesce(h.version, h.script)) \
         ORDER BY version IS NOT NULL, installed_rank",
    ),
    tool(
        "Liquibase",
        "DATABASECHANGELOG",
        Among(&["id", "author", "filename", "orderexecuted"]),
        "SELECT id, 1 FROM DATABASECHANGELOG ORDER BY orderexecuted",
    ),
    OtherTool {
        rows: Recorded::Newest,
        ..tool(
            "Alembic",
            "alembic_version",
            Exactly(&["version_num"]),
            "SELECT version_num, 1 FROM alembic_version",
        )
    },
    tool(
        "Django",
        "django_migrations",
        Among(&["id", "app", "name", "applied"]),
        "SELECT app || '.' || name, 1 FROM django_migrations ORDER BY id",
    ),
    tool(
        "MikroORM",
        "mikro_orm_migrations",
        Among(&["id", "name", "executed_at"]),
        "SELECT name, 1 FROM mikro_orm_migrations ORDER BY id",
    ),
    tool(
        "Kysely",
        "kysely_migration",
        Among(&["name", "timestamp"]),
        "SELECT name, 1 FROM kysely_migration ORDER BY name",
    ),
    tool(
        "Entity Framework Core",
        "__EFMigrationsHistory",
        Among(&["migrationid", "productversion"]),
        "SELECT MigrationId, 1 FROM __EFMigrationsHistory ORDER BY MigrationId",
    ),
    tool(
        "Doctrine",
        "doctrine_migration_versions",
        Among(&["version", "executed_at"]),
        "SELECT version, 1 FROM doctrine_migration_versions ORDER BY version",
    ),
    tool(
        "Phinx",
        "phinxlog",
        Among(&["version", "migration_name"]),
        "SELECT version, 1 FROM phinxlog ORDER BY version",
    ),
    tool(
        "Atlas",
        "atlas_schema_revisions",
        Among(&["version", "type", "applied", "total", "hash"]),
        "SELECT version, applied = total FROM atlas_schema_revisions WHERE version <> '.atlas_cloud_identifier' \
         ORDER BY version",
    ),
    tool(
        "SeaORM",
        "seaql_migrations",
        Among(&["version", "applied_at"]),
        "SELECT version, 1 FROM seaql_migrations ORDER BY version",
    ),
    tool(
        "bun",
        "bun_migrations",
        Among(&["id", "name", "group_id", "migrated_at"]),
        "SELECT name, 1 FROM bun_migrations ORDER BY id",
    ),
    tool(
        "AdonisJS",
        "adonis_schema",
        Among(&["id", "name", "batch", "migration_time"]),
        "SELECT name, 1 FROM adonis_schema ORDER BY id",
    ),
    // Its identifiers are texts; an application that has such a table numbers its rows.
    tool(
        "gormigrate",
        "migrations",
        Exactly(&["id"]),
        "SELECT id, 1 FROM migrations WHERE typeof(id) = 'text' ORDER BY id",
    ),
    tool(
        "yoyo",
        "_yoyo_migration",
        Among(&["migration_hash", "migration_id", "applied_at_utc"]),
        "SELECT migration_id, 1 FROM _yoyo_migration ORDER BY applied_at_utc, migration_id",
    ),
    tool(
        "GRDB",
        "grdb_migrations",
        Exactly(&["identifier"]),
        "SELECT identifier, 1 FROM grdb_migrations ORDER BY rowid",
    ),
    OtherTool {
        rows: Recorded::Newest,
        ..tool(
            "Sequel",
            "schema_info",
            Exactly(&["version"]),
            "SELECT version, 1 FROM schema_info WHERE version > 0",
        )
    },
    tool(
        "Sequel",
        "schema_migrations",
        Exactly(&["filename"]),
        "SELECT filename, 1 FROM schema_migrations ORDER BY filename",
    ),
    tool(
        "Payload",
        "payload_migrations",
        Among(&["id", "name", "batch", "updated_at", "created_at"]),
        "SELECT name, 1 FROM payload_migrations ORDER BY id",
    ),
    tool(
        "peewee-migrate",
        "migratehistory",
        Among(&["id", "name", "migrated_at"]),
        "SELECT name, 1 FROM migratehistory ORDER BY id",
    ),
    tool(
        "shmig",
        "shmig_version",
        Among(&["version", "migrated_at"]),
        "SELECT version, 1 FROM shmig_version ORDER BY version",
    ),
    // Small versions are those of its own table; migrations are numbered by time.
    tool(
        "rockhopper",
        "rockhopper_versions",
        Among(&["id", "package", "version_id", "is_applied"]),
        "SELECT version_id, 1 FROM rockhopper_versions v WHERE version_id > 1000 AND is_applied AND id = (SELECT max(id) \
         FROM rockhopper_versions WHERE version_id = v.version_id AND package = v.package) ORDER BY version_id",
    ),
    // https://github.com/tortoise/aerich
    tool(
        "Aerich (Tortoise ORM)",
        "aerich",
        Among(&["id", "version", "app", "content"]),
        "SELECT version, 1 FROM aerich ORDER BY id",
    ),
    tool(
        "Directus",
        "directus_migrations",
        Among(&["version", "name", "timestamp"]),
        "SELECT version, 1 FROM directus_migrations ORDER BY version",
    ),
    // https://fluentmigrator.github.io/articles/version-table-metadata.html
    tool(
        "FluentMigrator",
        "VersionInfo",
        Exactly(&["version", "appliedon", "description"]),
        "SELECT Version, 1 FROM VersionInfo ORDER BY Version",
    ),
    // https://github.com/DbUp/DbUp/blob/master/src/dbup-sqlite/SQLiteTableJournal.cs
    tool(
        "DbUp",
        "SchemaVersions",
        Exactly(&["schemaversionid", "scriptname", "applied"]),
        "SELECT ScriptName, 1 FROM SchemaVersions ORDER BY SchemaVersionID",
    ),
    // https://github.com/vapor/fluent-kit/blob/main/Sources/FluentKit/Migration/MigrationLog.swift
    tool(
        "Fluent (Vapor)",
        "_fluent_migrations",
        Among(&["id", "name", "batch", "created_at"]),
        "SELECT name, 1 FROM _fluent_migrations ORDER BY created_at, batch",
    ),
    // The first row is no migration.
    // https://github.com/yiisoft/yii2/blob/master/framework/console/controllers/MigrateController.php
    tool(
        "Yii",
        "migration",
        Exactly(&["version", "apply_time"]),
        "SELECT version, 1 FROM migration WHERE version <> 'm000000_000000_base' ORDER BY version",
    ),
    tool(
        "Piccolo",
        "migration",
        Exactly(&["id", "name", "app_name", "ran_on"]),
        "SELECT name, 1 FROM migration ORDER BY id",
    ),
    // Rows of other types tell where a history begins. A repeatable migration has no version.
    // https://github.com/lecaillon/Evolve/blob/master/src/Evolve/Dialect/SQLite/SQLiteMetadataTable.cs
    tool(
        "Evolve",
        "changelog",
        Among(&[
            "type",
            "version",
            "checksum",
            "installed_by",
            "installed_on",
            "success",
        ]),
        "SELECT coalesce(nullif(version, ''), name), success FROM changelog WHERE type IN (0, 4) ORDER BY id",
    ),
];

/// Further tables of a tool, in lower case: the tool, its table, and what it has beside.
pub(super) const COMPANIONS: &[(&str, &str)] = &[
    ("schema_migrations", "ar_internal_metadata"),
    ("knex_migrations", "knex_migrations_lock"),
    ("databasechangelog", "databasechangeloglock"),
    ("kysely_migration", "kysely_migration_lock"),
    ("migrations", "typeorm_metadata"),
    ("bun_migrations", "bun_migration_locks"),
    ("adonis_schema", "adonis_schema_versions"),
    ("_yoyo_migration", "_yoyo_log"),
    ("_yoyo_migration", "_yoyo_version"),
    ("_yoyo_migration", "yoyo_lock"),
];

/// Beginnings of the names of tables that no application made: those of Cloudflare's D1 and of Litestream.
pub(super) const PREFIXES: [&str; 2] = ["_cf_", "_litestream_"];

impl OtherTool {
    /// Whether a table with these columns, in lower case, is that of this tool. `exists` tells whether a table is there.
    pub(super) fn has(&self, columns: &[&str], exists: impl Fn(&str) -> bool) -> bool {
        let all = |wanted: &[&str]| wanted.iter().all(|name| columns.contains(name));
        let is_it = match self.columns {
            Among(wanted) => all(wanted),
            Exactly(wanted) => all(wanted) && columns.len() == wanted.len(),
        };
        is_it && self.beside.is_none_or(exists)
    }
}
