-- Written by TestNewStoreIsWhatMigrationsMake: what the migrations make of an empty file.

CREATE TABLE asset (
    key  INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE asset_state (
    asset        INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    run          INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    data_version TEXT    NOT NULL,
    code_version TEXT    NOT NULL,
    detail       BLOB, seq INTEGER NOT NULL DEFAULT 0, partition TEXT,
    PRIMARY KEY (asset, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE backfill (
    key         INTEGER NOT NULL PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    location    TEXT    NOT NULL,
    state       INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    runs        INTEGER NOT NULL,
    completed   INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    canceled    INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    lease_until INTEGER NOT NULL,
    cancel      BLOB
) STRICT;

CREATE TABLE backfill_request (
    backfill INTEGER NOT NULL PRIMARY KEY,
    rerun_of TEXT    NOT NULL,
    assets   BLOB,
    request  BLOB
) STRICT;

CREATE TABLE backfill_set (
    backfill INTEGER NOT NULL,
    which    INTEGER NOT NULL,
    labels   BLOB    NOT NULL,
    PRIMARY KEY (backfill, which)
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
    id      INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    labels  BLOB,
    subject BLOB
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
    detail   BLOB, era INTEGER NOT NULL DEFAULT 0, partition TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);

CREATE TABLE in_flight (
    asset  INTEGER NOT NULL,
    run    INTEGER NOT NULL,
    labels BLOB    NOT NULL,
    PRIMARY KEY (asset, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_table (
    key  INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    live BLOB
) STRICT;

CREATE TABLE kv (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
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

CREATE TABLE long_plan (
    run INTEGER NOT NULL PRIMARY KEY,
    doc BLOB    NOT NULL
) STRICT;

CREATE TABLE partition_group (
    asset        INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    run          INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    data_version TEXT    NOT NULL,
    code_version TEXT    NOT NULL,
    labels       BLOB    NOT NULL,
    detail       BLOB,
    PRIMARY KEY (asset, kind, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE partition_key (
    id        INTEGER NOT NULL PRIMARY KEY,
    key_table INTEGER NOT NULL,
    key       TEXT    NOT NULL
) STRICT;

CREATE TABLE partition_set (
    asset  INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    labels BLOB    NOT NULL,
    PRIMARY KEY (asset, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE partition_state (
    asset        INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    partition    TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    run          INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    data_version TEXT    NOT NULL,
    code_version TEXT    NOT NULL,
    labels       BLOB    NOT NULL,
    detail       BLOB,
    PRIMARY KEY (asset, kind, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
    name     TEXT    NOT NULL PRIMARY KEY,
    declared INTEGER NOT NULL,
    by_hand  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pruned_run (
    key INTEGER NOT NULL PRIMARY KEY,
    id  TEXT    NOT NULL
) STRICT;

CREATE TABLE "run" (
    key         INTEGER NOT NULL PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    location    TEXT    NOT NULL,
    job         TEXT    NOT NULL,
    state       INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    succeeded   INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    skipped     INTEGER NOT NULL,
    canceled    INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    request     BLOB,
    tags        BLOB,
    plan        BLOB,
    owner       TEXT    NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    cancel      BLOB,
    era         INTEGER NOT NULL DEFAULT 0,
    backfill    TEXT    NOT NULL DEFAULT '',
    partition   TEXT    NOT NULL DEFAULT '',
    targeted    INTEGER NOT NULL DEFAULT 0
, lost INTEGER NOT NULL DEFAULT 0, retry_of TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE signal (
    topic INTEGER NOT NULL PRIMARY KEY,
    n     INTEGER NOT NULL
) STRICT;

CREATE TABLE slot (
    ticket   INTEGER NOT NULL,
    pool     TEXT    NOT NULL,
    slots    INTEGER NOT NULL,
    run      INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    step_key TEXT    NOT NULL,
    attempt  INTEGER NOT NULL,
    holding  INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (ticket, pool)
) STRICT, WITHOUT ROWID;

CREATE TABLE store (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id             TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    min_reader     INTEGER NOT NULL
, era INTEGER NOT NULL DEFAULT 1, era_events INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE topology (
    location TEXT    NOT NULL PRIMARY KEY,
    hash     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    doc      BLOB
) STRICT;

CREATE INDEX backfill_open ON backfill (key) WHERE state < 3;

CREATE INDEX event_asset ON event (era, asset, run, n) WHERE asset IS NOT NULL;

CREATE INDEX in_flight_run ON in_flight (run);

CREATE UNIQUE INDEX partition_key_text ON partition_key (key_table, key);

CREATE INDEX run_backfill ON run (backfill) WHERE backfill <> '';

CREATE INDEX run_job ON run (job) WHERE job <> '';

CREATE INDEX run_open ON run (lease_until) WHERE state < 3;

CREATE INDEX run_retries ON run (retry_of) WHERE retry_of <> '' AND state < 3;

CREATE INDEX run_unsuccessful ON run (state) WHERE state > 3;

CREATE INDEX slot_pool ON slot (pool, ticket);

CREATE INDEX slot_step ON slot (run, step);

CREATE TRIGGER backfill_newest_stays BEFORE DELETE ON backfill WHEN old.key = (SELECT max(key) FROM backfill)
BEGIN SELECT raise(ABORT, 'the newest backfill stays, or its key would be given again'); END;

CREATE TRIGGER change_newest_stays BEFORE DELETE ON change WHEN old.id = (SELECT max(id) FROM change)
BEGIN SELECT raise(ABORT, 'the newest change stays, or its number would be given again'); END;

CREATE TRIGGER run_newest_stays BEFORE DELETE ON run WHEN old.key = (SELECT max(key) FROM run)
BEGIN SELECT raise(ABORT, 'the newest run stays, or its key would be given again'); END;

INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (5, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (6, 1);
INSERT INTO store (one, id, schema_version, min_reader, era) VALUES (1, lower(hex(randomblob(16))), 6, 5, 1);
