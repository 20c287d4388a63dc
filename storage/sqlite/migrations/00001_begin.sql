-- +goose Up

-- One row: the store itself. A program of schema version v reads a store whose min_reader is at
-- most v; every migration updates both numbers.
CREATE TABLE store (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id             TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    min_reader     INTEGER NOT NULL
) STRICT;

-- Times are microseconds since 1970, zero for none. Documents are JSON in UTF-8.
-- AUTOINCREMENT: the key of a deleted run is never given again, so no old fence fits a new run.
CREATE TABLE run (
    key        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    location   TEXT    NOT NULL,
    job        TEXT    NOT NULL,
    state      INTEGER NOT NULL,
    token      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    succeeded  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    skipped    INTEGER NOT NULL,
    canceled   INTEGER NOT NULL,
    error      TEXT    NOT NULL,
    request    BLOB,
    tags       BLOB,
    plan       BLOB
) STRICT;

-- Plans too long to be copied with every change of their run's row.
CREATE TABLE long_plan (
    run INTEGER NOT NULL PRIMARY KEY,
    doc BLOB    NOT NULL
) STRICT;

CREATE TABLE event (
    run      INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    cause    INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    asset    INTEGER,
    detail   BLOB,
    PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_asset ON event (asset, run, n) WHERE asset IS NOT NULL;

CREATE TABLE asset (
    key  INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

-- The latest materialization (observed = 0) and observation (observed = 1) of each asset.
CREATE TABLE asset_state (
    asset        INTEGER NOT NULL,
    observed     INTEGER NOT NULL,
    run          INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    data_version TEXT    NOT NULL,
    code_version TEXT    NOT NULL,
    detail       BLOB,
    PRIMARY KEY (asset, observed)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    run     INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    step    INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    stream  INTEGER NOT NULL,
    message TEXT    NOT NULL,
    attrs   TEXT    NOT NULL,
    PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE kv (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE topology (
    location TEXT    NOT NULL PRIMARY KEY,
    hash     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    doc      BLOB
) STRICT;

INSERT INTO store (one, id, schema_version, min_reader)
VALUES (1, lower(hex(randomblob(16))), 1, 1);
