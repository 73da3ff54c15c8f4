-- A kanban board as Rails makes it: no foreign keys in the schema, comments and events on rows of several kinds.
CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR NOT NULL);
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL, name VARCHAR NOT NULL, role VARCHAR NOT NULL DEFAULT 'member',
  created_at DATETIME(6) NOT NULL, updated_at DATETIME(6) NOT NULL
);
CREATE UNIQUE INDEX index_users_on_name ON users (account_id, name);
CREATE TABLE boards (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL, creator_id INTEGER NOT NULL, name VARCHAR NOT NULL,
  created_at DATETIME(6) NOT NULL, updated_at DATETIME(6) NOT NULL
);
CREATE TABLE cards (
  id INTEGER PRIMARY KEY AUTOINCREMENT, board_id INTEGER NOT NULL, creator_id INTEGER NOT NULL, title VARCHAR,
  status VARCHAR NOT NULL DEFAULT 'drafted', due_on DATE, created_at DATETIME(6) NOT NULL, updated_at DATETIME(6) NOT NULL
);
CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL, title VARCHAR NOT NULL);
CREATE TABLE taggings (
  id INTEGER PRIMARY KEY AUTOINCREMENT, card_id INTEGER NOT NULL, tag_id INTEGER NOT NULL, created_at DATETIME(6) NOT NULL
);
CREATE UNIQUE INDEX index_taggings ON taggings (card_id, tag_id);
CREATE TABLE assignees_cards (assignee_id INTEGER NOT NULL, card_id INTEGER NOT NULL);
CREATE UNIQUE INDEX index_assignees_cards ON assignees_cards (assignee_id, card_id);
CREATE TABLE comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, card_id INTEGER NOT NULL, creator_id INTEGER NOT NULL, body TEXT NOT NULL,
  created_at DATETIME(6) NOT NULL
);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, creator_id INTEGER NOT NULL, eventable_type VARCHAR NOT NULL,
  eventable_id INTEGER NOT NULL, action VARCHAR NOT NULL, particulars JSON, created_at DATETIME(6) NOT NULL
);
