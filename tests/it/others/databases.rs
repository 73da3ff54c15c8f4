//! What each tool writes into a database that it migrates: the statements that it creates its table with, and the rows of
//! two migrations.

/// A database of another tool.
pub(crate) struct Made {
    pub(crate) tool: &'static str,
    pub(crate) table: &'static str,
    pub(crate) statements: &'static [&'static str],
    /// What its newest migration is called.
    pub(crate) newest: &'static str,
    /// Whether that is version 2 of the files, and not only something that stands for it.
    pub(crate) numbered: bool,
}

pub(crate) const MADE: &[Made] = &[
    Made {
        tool: "sqlx",
        table: "_sqlx_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)",
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (1, 'price', TRUE, x'00', 1), (2, 'cents', TRUE, x'01', 1)",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "refinery",
        table: "refinery_schema_history",
        statements: &[
            "CREATE TABLE IF NOT EXISTS refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255))",
            "INSERT INTO refinery_schema_history VALUES (1, 'price', '2024-05-04T09:02:41Z', '17'),
             (2, 'cents', '2024-05-04T09:02:41Z', '18')",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "Diesel",
        table: "__diesel_schema_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
       version VARCHAR(50) PRIMARY KEY NOT NULL,
       run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)",
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('1'), ('2')",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "goose",
        table: "goose_db_version",
        statements: &[
            "CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	)",
            // Version 3 was applied and undone.
            "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1), (3, 1), (3, 0)",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "golang-migrate",
        table: "schema_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS schema_migrations (version uint64,dirty bool)",
            "CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON schema_migrations (version)",
            "INSERT INTO schema_migrations VALUES (2, false)",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "dbmate",
        table: "schema_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"schema_migrations\" (version varchar(128) primary key)",
            "INSERT INTO schema_migrations VALUES ('1'), ('2')",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "geni",
        table: "schema_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS schema_migrations (id VARCHAR(255) NOT NULL PRIMARY KEY)",
            "INSERT INTO schema_migrations VALUES ('1'), ('2')",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "Rails",
        table: "schema_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"schema_migrations\" (\"version\" varchar NOT NULL PRIMARY KEY)",
            "CREATE TABLE IF NOT EXISTS \"ar_internal_metadata\" (\"key\" varchar NOT NULL PRIMARY KEY, \"value\" varchar,
             \"created_at\" datetime(6) NOT NULL, \"updated_at\" datetime(6) NOT NULL)",
            "INSERT INTO schema_migrations VALUES ('20240504090241'), ('20240504090242')",
        ],
        newest: "20240504090242",
        numbered: false,
    },
    Made {
        tool: "Ecto",
        table: "schema_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"schema_migrations\" (\"version\" INTEGER PRIMARY KEY, \"inserted_at\" TEXT)",
            "INSERT INTO schema_migrations VALUES (20240504090241, '2024-05-04T09:02:41')",
        ],
        newest: "20240504090241",
        numbered: false,
    },
    Made {
        tool: "drizzle",
        table: "__drizzle_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"__drizzle_migrations\" (
				id SERIAL PRIMARY KEY,
				hash text NOT NULL,
				created_at numeric
			)",
            "INSERT INTO \"__drizzle_migrations\" (hash, created_at) VALUES ('aa', 1714813361000), ('bb', 1714813362000)",
        ],
        newest: "1714813362000",
        numbered: false,
    },
    Made {
        tool: "Prisma",
        table: "_prisma_migrations",
        statements: &[
            "CREATE TABLE \"_prisma_migrations\" (
    \"id\"                    TEXT PRIMARY KEY NOT NULL,
    \"checksum\"              TEXT NOT NULL,
    \"finished_at\"           DATETIME,
    \"migration_name\"        TEXT NOT NULL,
    \"logs\"                  TEXT,
    \"rolled_back_at\"        DATETIME,
    \"started_at\"            DATETIME NOT NULL DEFAULT current_timestamp,
    \"applied_steps_count\"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)",
            // The second was rolled back once.
            "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at) VALUES
             ('a', 'aa', 1714813361000, '1_price', NULL), ('b', 'bb', NULL, '2_cents', 1714813362000),
             ('c', 'bb', 1714813363000, '2_cents', NULL)",
        ],
        newest: "2_cents",
        numbered: true,
    },
    Made {
        tool: "wrangler (D1)",
        table: "d1_migrations",
        statements: &[
            "CREATE TABLE d1_migrations(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)",
            "CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
            "CREATE TABLE _cf_METADATA (key INTEGER PRIMARY KEY, value BLOB)",
            "INSERT INTO d1_migrations (name) VALUES ('0001_price.sql'), ('0002_cents.sql')",
        ],
        newest: "0002_cents.sql",
        numbered: true,
    },
    Made {
        tool: "sql-migrate",
        table: "gorp_migrations",
        statements: &[
            "create table if not exists \"gorp_migrations\" (\"id\" varchar(255) not null primary key, \"applied_at\" datetime)",
            "INSERT INTO gorp_migrations VALUES ('1_price.sql', '2024-05-04'), ('2_cents.sql', '2024-05-04')",
        ],
        newest: "2_cents.sql",
        numbered: true,
    },
    Made {
        tool: "knex",
        table: "knex_migrations",
        statements: &[
            "CREATE TABLE `knex_migrations` (`id` integer not null primary key autoincrement, `name` varchar(255),
             `batch` integer, `migration_time` datetime)",
            "CREATE TABLE `knex_migrations_lock` (`index` integer not null primary key autoincrement, `is_locked` integer)",
            "INSERT INTO knex_migrations (name, batch) VALUES ('20240504090241_price.js', 1)",
        ],
        newest: "20240504090241_price.js",
        numbered: false,
    },
    Made {
        tool: "TypeORM",
        table: "migrations",
        statements: &[
            "CREATE TABLE \"migrations\" (\"id\" integer PRIMARY KEY AUTOINCREMENT NOT NULL, \"timestamp\" bigint NOT NULL,
             \"name\" varchar NOT NULL)",
            "INSERT INTO migrations (timestamp, name) VALUES (1714813361000, 'Price1714813361000')",
        ],
        newest: "Price1714813361000",
        numbered: false,
    },
    Made {
        tool: "Laravel",
        table: "migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"migrations\" (\"id\" integer primary key autoincrement not null,
             \"migration\" varchar not null, \"batch\" integer not null)",
            "INSERT INTO migrations (migration, batch) VALUES ('2024_05_04_090241_create_price', 1)",
        ],
        newest: "2024_05_04_090241_create_price",
        numbered: false,
    },
    Made {
        tool: "Sequelize",
        table: "SequelizeMeta",
        statements: &[
            "CREATE TABLE IF NOT EXISTS `SequelizeMeta` (`name` VARCHAR(255) NOT NULL UNIQUE PRIMARY KEY)",
            "INSERT INTO SequelizeMeta VALUES ('20240504090241-price.js')",
        ],
        newest: "20240504090241-price.js",
        numbered: false,
    },
    Made {
        tool: "Flyway",
        table: "flyway_schema_history",
        statements: &[
            "CREATE TABLE \"flyway_schema_history\" (
    \"installed_rank\" INT NOT NULL PRIMARY KEY,
    \"version\" VARCHAR(50),
    \"description\" VARCHAR(200) NOT NULL,
    \"type\" VARCHAR(20) NOT NULL,
    \"script\" VARCHAR(1000) NOT NULL,
    \"checksum\" INT,
    \"installed_by\" VARCHAR(100) NOT NULL,
    \"installed_on\" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),
    \"execution_time\" INT NOT NULL,
    \"success\" BOOLEAN NOT NULL
)",
            "CREATE INDEX \"flyway_schema_history_s_idx\" ON \"flyway_schema_history\" (\"success\")",
            "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by,
             execution_time, success) VALUES (1, '1', 'price', 'SQL', 'V1__price.sql', 'me', 1, 1),
             (2, '2', 'cents', 'SQL', 'V2__cents.sql', 'me', 1, 1), (3, NULL, 'views', 'SQL', 'R__views.sql', 'me', 1, 1)",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "Liquibase",
        table: "DATABASECHANGELOG",
        statements: &[
            "CREATE TABLE DATABASECHANGELOG (ID VARCHAR(255) NOT NULL, AUTHOR VARCHAR(255) NOT NULL,
             FILENAME VARCHAR(255) NOT NULL, DATEEXECUTED TEXT NOT NULL, ORDEREXECUTED INT NOT NULL,
             EXECTYPE VARCHAR(10) NOT NULL, MD5SUM VARCHAR(35), DESCRIPTION VARCHAR(255), COMMENTS VARCHAR(255),
             TAG VARCHAR(255), LIQUIBASE VARCHAR(20), CONTEXTS VARCHAR(255), LABELS VARCHAR(255), DEPLOYMENT_ID VARCHAR(10))",
            "CREATE TABLE DATABASECHANGELOGLOCK (ID INT NOT NULL, LOCKED BOOLEAN NOT NULL, LOCKGRANTED TEXT,
             LOCKEDBY VARCHAR(255), CONSTRAINT PK_DATABASECHANGELOGLOCK PRIMARY KEY (ID))",
            "INSERT INTO DATABASECHANGELOG (ID, AUTHOR, FILENAME, DATEEXECUTED, ORDEREXECUTED, EXECTYPE)
             VALUES ('price-1', 'me', 'changelog.xml', '2024-05-04', 1, 'EXECUTED')",
        ],
        newest: "price-1",
        numbered: false,
    },
    Made {
        tool: "Alembic",
        table: "alembic_version",
        statements: &[
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
             CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
            "INSERT INTO alembic_version VALUES ('1975ea83b712')",
        ],
        newest: "1975ea83b712",
        numbered: false,
    },
    Made {
        tool: "Django",
        table: "django_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"django_migrations\" (\"id\" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
             \"app\" varchar(255) NOT NULL, \"name\" varchar(255) NOT NULL, \"applied\" datetime NOT NULL)",
            "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', '2024-05-04')",
        ],
        newest: "shop.0001_initial",
        numbered: false,
    },
    Made {
        tool: "MikroORM",
        table: "mikro_orm_migrations",
        statements: &[
            "CREATE TABLE `mikro_orm_migrations` (`id` integer not null primary key autoincrement, `name` varchar(255),
             `executed_at` datetime default current_timestamp)",
            "INSERT INTO mikro_orm_migrations (name) VALUES ('Migration20240504090241')",
        ],
        newest: "Migration20240504090241",
        numbered: false,
    },
    Made {
        tool: "Kysely",
        table: "kysely_migration",
        statements: &[
            "CREATE TABLE \"kysely_migration\" (\"name\" varchar(255) not null primary key, \"timestamp\" varchar(255) not null)",
            "CREATE TABLE \"kysely_migration_lock\" (\"id\" varchar(255) not null primary key, \"is_locked\" integer default 0 not null)",
            "INSERT INTO kysely_migration VALUES ('0002_cents', '2024-05-04T09:02:41.000Z')",
        ],
        newest: "0002_cents",
        numbered: false,
    },
    Made {
        tool: "Entity Framework Core",
        table: "__EFMigrationsHistory",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"__EFMigrationsHistory\" (
    \"MigrationId\" TEXT NOT NULL CONSTRAINT \"PK___EFMigrationsHistory\" PRIMARY KEY,
    \"ProductVersion\" TEXT NOT NULL
)",
            "INSERT INTO __EFMigrationsHistory VALUES ('20240504090241_Price', '8.0.4')",
        ],
        newest: "20240504090241_Price",
        numbered: false,
    },
    Made {
        tool: "Doctrine",
        table: "doctrine_migration_versions",
        statements: &[
            "CREATE TABLE doctrine_migration_versions (version VARCHAR(191) NOT NULL, executed_at DATETIME DEFAULT NULL,
             execution_time INTEGER DEFAULT NULL, PRIMARY KEY(version))",
            "INSERT INTO doctrine_migration_versions (version) VALUES ('DoctrineMigrations\\Version20240504090241')",
        ],
        newest: "DoctrineMigrations\\Version20240504090241",
        numbered: false,
    },
    Made {
        tool: "Phinx",
        table: "phinxlog",
        statements: &[
            "CREATE TABLE `phinxlog` (`version` BIGINTEGER NOT NULL, `migration_name` VARCHAR(100) NULL,
             `start_time` TIMESTAMP_TEXT NULL, `end_time` TIMESTAMP_TEXT NULL, `breakpoint` BOOLEAN_INTEGER NOT NULL DEFAULT 0,
             PRIMARY KEY (`version`))",
            "INSERT INTO phinxlog (version, migration_name) VALUES (20240504090241, 'Price')",
        ],
        newest: "20240504090241",
        numbered: false,
    },
    Made {
        tool: "Atlas",
        table: "atlas_schema_revisions",
        statements: &[
            "CREATE TABLE `atlas_schema_revisions` (`version` text NOT NULL, `description` text NOT NULL,
             `type` integer NOT NULL DEFAULT (2), `applied` integer NOT NULL DEFAULT (0), `total` integer NOT NULL DEFAULT (0),
             `executed_at` datetime NOT NULL, `execution_time` integer NOT NULL, `error` text NULL, `error_stmt` text NULL,
             `hash` text NOT NULL, `partial_hashes` json NULL, `operator_version` text NOT NULL, PRIMARY KEY (`version`))",
            "INSERT INTO atlas_schema_revisions (version, description, applied, total, executed_at, execution_time, hash,
             operator_version) VALUES ('.atlas_cloud_identifier', '', 0, 0, '2024-05-04', 0, '', ''),
             ('1', 'price', 1, 1, '2024-05-04', 1, 'aa', 'v'), ('2', 'cents', 1, 1, '2024-05-04', 1, 'bb', 'v')",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "SeaORM",
        table: "seaql_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"seaql_migrations\" ( \"version\" varchar NOT NULL PRIMARY KEY, \"applied_at\" bigint NOT NULL )",
            "INSERT INTO seaql_migrations VALUES ('m20240504_000001_price', 1714813361), ('m20240504_000002_cents', 1714813361)",
        ],
        newest: "m20240504_000002_cents",
        numbered: false,
    },
    Made {
        tool: "bun",
        table: "bun_migrations",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"bun_migrations\" (\"id\" INTEGER NOT NULL, \"name\" VARCHAR, \"group_id\" INTEGER, \"migrated_at\" TIMESTAMP NOT NULL DEFAULT current_timestamp, PRIMARY KEY (\"id\"))",
            "CREATE TABLE IF NOT EXISTS \"bun_migration_locks\" (\"id\" INTEGER NOT NULL, \"table_name\" VARCHAR, PRIMARY KEY (\"id\"), UNIQUE (\"table_name\"))",
            "INSERT INTO bun_migrations (name, group_id) VALUES ('1', 1), ('2', 1)",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "AdonisJS",
        table: "adonis_schema",
        statements: &[
            "CREATE TABLE `adonis_schema` (`id` integer not null primary key autoincrement, `name` varchar(255) not null, `batch` integer not null, `migration_time` datetime default CURRENT_TIMESTAMP)",
            "CREATE TABLE `adonis_schema_versions` (`version` integer not null)",
            "INSERT INTO adonis_schema (name, batch) VALUES ('database/migrations/1714813361000_price', 1)",
        ],
        newest: "database/migrations/1714813361000_price",
        numbered: false,
    },
    Made {
        tool: "gormigrate",
        table: "migrations",
        statements: &[
            "CREATE TABLE `migrations` (`id` varchar(255), PRIMARY KEY (`id`))",
            "INSERT INTO migrations VALUES ('202405040902')",
        ],
        newest: "202405040902",
        numbered: false,
    },
    Made {
        tool: "yoyo",
        table: "_yoyo_migration",
        statements: &[
            "CREATE TABLE _yoyo_migration (migration_hash VARCHAR(64), migration_id VARCHAR(255), applied_at_utc TIMESTAMP, PRIMARY KEY (migration_hash))",
            "CREATE TABLE _yoyo_log (id VARCHAR(36), migration_hash VARCHAR(64), migration_id VARCHAR(255), operation VARCHAR(10), username VARCHAR(255), hostname VARCHAR(255), comment VARCHAR(255), created_at_utc TIMESTAMP, PRIMARY KEY (id))",
            "CREATE TABLE _yoyo_version (version INT NOT NULL PRIMARY KEY, installed_at_utc TIMESTAMP)",
            "CREATE TABLE yoyo_lock (locked INT DEFAULT 1, ctime TIMESTAMP, pid INT NOT NULL, PRIMARY KEY (locked))",
            "INSERT INTO _yoyo_migration VALUES ('aa', '0001_price', '2024-05-04'), ('bb', '0002_cents', '2024-05-04')",
        ],
        newest: "0002_cents",
        numbered: true,
    },
    Made {
        tool: "GRDB",
        table: "grdb_migrations",
        statements: &[
            "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)",
            "INSERT INTO grdb_migrations VALUES ('price'), ('cents')",
        ],
        newest: "cents",
        numbered: false,
    },
    Made {
        tool: "Sequel",
        table: "schema_info",
        statements: &[
            "CREATE TABLE `schema_info` (`version` integer DEFAULT (0) NOT NULL)",
            "INSERT INTO schema_info VALUES (2)",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "Sequel",
        table: "schema_migrations",
        statements: &[
            "CREATE TABLE `schema_migrations` (`filename` varchar(255) NOT NULL PRIMARY KEY)",
            "INSERT INTO schema_migrations VALUES ('1_price.rb'), ('2_cents.rb')",
        ],
        newest: "2_cents.rb",
        numbered: true,
    },
    Made {
        tool: "Payload",
        table: "payload_migrations",
        statements: &[
            "CREATE TABLE `payload_migrations` (`id` integer PRIMARY KEY NOT NULL, `name` text, `batch` numeric, `updated_at` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL, `created_at` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL)",
            "INSERT INTO payload_migrations (name, batch) VALUES ('20240504_090241_price', 1)",
        ],
        newest: "20240504_090241_price",
        numbered: false,
    },
    Made {
        tool: "peewee-migrate",
        table: "migratehistory",
        statements: &[
            "CREATE TABLE IF NOT EXISTS \"migratehistory\" (\"id\" INTEGER NOT NULL PRIMARY KEY, \"name\" VARCHAR(255) NOT NULL, \"migrated_at\" DATETIME NOT NULL)",
            "INSERT INTO migratehistory (name, migrated_at) VALUES ('001_price', '2024-05-04'), ('002_cents', '2024-05-04')",
        ],
        newest: "002_cents",
        numbered: true,
    },
    Made {
        tool: "shmig",
        table: "shmig_version",
        statements: &[
            "create table `shmig_version`(version int not null primary key, migrated_at timestamp not null default (datetime(current_timestamp)))",
            "INSERT INTO shmig_version (version) VALUES (1714813361)",
        ],
        newest: "1714813361",
        numbered: false,
    },
    Made {
        tool: "rockhopper",
        table: "rockhopper_versions",
        statements: &[
            "CREATE TABLE rockhopper_versions (id INTEGER PRIMARY KEY AUTOINCREMENT, package TEXT NOT NULL DEFAULT 'main', version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
            "INSERT INTO rockhopper_versions (package, version_id, is_applied) VALUES ('core', 1, 1), ('main', 20240504090241, 1)",
        ],
        newest: "20240504090241",
        numbered: false,
    },
    Made {
        tool: "Aerich (Tortoise ORM)",
        table: "aerich",
        statements: &[
            "CREATE TABLE \"aerich\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, \"version\" VARCHAR(255) NOT NULL, \"app\" VARCHAR(100) NOT NULL, \"content\" JSON NOT NULL)",
            "INSERT INTO aerich (version, app, content) VALUES ('1_20240504090241_price.py', 'models', '{}'), ('2_20240505090241_cents.py', 'models', '{}')",
        ],
        newest: "2_20240505090241_cents.py",
        numbered: true,
    },
    Made {
        tool: "Directus",
        table: "directus_migrations",
        statements: &[
            "CREATE TABLE `directus_migrations` (`version` varchar(255) not null, `name` varchar(255) not null, `timestamp` datetime default CURRENT_TIMESTAMP, primary key (`version`))",
            "INSERT INTO directus_migrations (version, name) VALUES ('20201028A', 'Remove Collection Foreign Keys'), ('20240504A', 'Cents')",
        ],
        newest: "20240504A",
        numbered: false,
    },
    Made {
        tool: "FluentMigrator",
        table: "VersionInfo",
        statements: &[
            "CREATE TABLE \"VersionInfo\" (\"Version\" INTEGER NOT NULL, \"AppliedOn\" DATETIME, \"Description\" TEXT)",
            "CREATE UNIQUE INDEX \"UC_Version\" ON \"VersionInfo\" (\"Version\" ASC)",
            "INSERT INTO VersionInfo VALUES (1, '2024-05-04T09:02:41', 'Price'), (2, '2024-05-04T09:02:41', 'Cents')",
        ],
        newest: "2",
        numbered: true,
    },
    Made {
        tool: "DbUp",
        table: "SchemaVersions",
        statements: &[
            "CREATE TABLE [SchemaVersions] ( SchemaVersionID INTEGER CONSTRAINT 'PK_SchemaVersions_SchemaVersionID' PRIMARY KEY AUTOINCREMENT NOT NULL, ScriptName TEXT NOT NULL, Applied DATETIME NOT NULL )",
            "INSERT INTO SchemaVersions (ScriptName, Applied) VALUES ('App.Scripts.0001_price.sql', '2024-05-04'), ('App.Scripts.0002_cents.sql', '2024-05-04')",
        ],
        newest: "App.Scripts.0002_cents.sql",
        numbered: false,
    },
    Made {
        tool: "Fluent (Vapor)",
        table: "_fluent_migrations",
        statements: &[
            "CREATE TABLE \"_fluent_migrations\"(\"id\" UUID PRIMARY KEY, \"name\" TEXT NOT NULL, \"batch\" INTEGER NOT NULL, \"created_at\" REAL, \"updated_at\" REAL, CONSTRAINT \"uq:_fluent_migrations.name\" UNIQUE (\"name\"))",
            "INSERT INTO _fluent_migrations (id, name, batch, created_at) VALUES ('a', 'App.CreatePrice', 1, 1.0), ('b', 'App.Cents', 1, 2.0)",
        ],
        newest: "App.Cents",
        numbered: false,
    },
    Made {
        tool: "Yii",
        table: "migration",
        statements: &[
            "CREATE TABLE `migration` (`version` varchar(180) NOT NULL PRIMARY KEY, `apply_time` integer)",
            "INSERT INTO migration VALUES ('m000000_000000_base', 1714813361), ('m240504_090241_price', 1714813361), ('m240505_090241_cents', 1714813362)",
        ],
        newest: "m240505_090241_cents",
        numbered: false,
    },
    Made {
        tool: "Piccolo",
        table: "migration",
        statements: &[
            "CREATE TABLE migration (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, \"name\" VARCHAR(200) NOT NULL DEFAULT '', \"app_name\" VARCHAR(200) NOT NULL DEFAULT '', \"ran_on\" TIMESTAMP NOT NULL DEFAULT current_timestamp)",
            "INSERT INTO migration (name, app_name) VALUES ('2024-05-04T09:02:41:000001', 'app')",
        ],
        newest: "2024-05-04T09:02:41:000001",
        numbered: false,
    },
    Made {
        tool: "Evolve",
        table: "changelog",
        statements: &[
            "CREATE TABLE [changelog] ( id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, type INTEGER, version VARCHAR(50), description VARCHAR(200) NOT NULL, name VARCHAR(300) NOT NULL, checksum VARCHAR(32), installed_by VARCHAR(100) NOT NULL, installed_on TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')), success BOOLEAN NOT NULL )",
            "INSERT INTO changelog (type, version, description, name, checksum, installed_by, success) VALUES ('2', '0', 'Empty schema found: main.', 'main', '', '', 1), ('0', '1', 'price', 'V1__price.sql', 'a', '', 1), ('0', '2', 'cents', 'V2__cents.sql', 'b', '', 1)",
        ],
        newest: "2",
        numbered: true,
    },
];
