-- +goose Up

-- What is kept of partitions. labels is a set of partitions in its binary form, NULL for an asset without partitions.

-- backfill is the ID of the backfill that the run belongs to; targeted tells a run that had partitions in flight.
--
-- A key is still never given twice, so that no old fence fits a new run: the newest run stays. AUTOINCREMENT said the same at
-- the price of a page that every transaction with a new run wrote, which the feed of changes has in its place.
CREATE TABLE new_run (
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
) STRICT;

INSERT INTO new_run (key, id, location, job, state, token, created_at, started_at, ended_at, succeeded, failed, skipped, canceled,
    error, request, tags, plan, owner, lease_until, cancel, era)
SELECT key, id, location, job, state, token, created_at, started_at, ended_at, succeeded, failed, skipped, canceled,
    error, request, tags, plan, owner, lease_until, cancel, era FROM run;

DROP TABLE run;
ALTER TABLE new_run RENAME TO run;

CREATE INDEX run_leased ON run (lease_until) WHERE lease_until > 0;
CREATE INDEX run_backfill ON run (backfill) WHERE backfill <> '';

-- +goose StatementBegin
CREATE TRIGGER run_newest_stays BEFORE DELETE ON run WHEN old.key = (SELECT max(key) FROM run)
BEGIN SELECT raise(ABORT, 'the newest run stays, or its key would be given again'); END;
-- +goose StatementEnd

ALTER TABLE event ADD COLUMN partition TEXT NOT NULL DEFAULT '';

-- The latest state of each asset and kind: 0 materialized, 1 observed, 2 failed, 3 wiped. seq orders states; partition
-- is the text of the key, NULL for an asset without partitions, empty for many at once.
ALTER TABLE asset_state RENAME COLUMN observed TO kind;
ALTER TABLE asset_state ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE asset_state ADD COLUMN partition TEXT;

-- The latest state of single partitions. A row holds unless a group of its kind, or one that was wiped, has a greater
-- seq and the partition in it.
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

-- The states that many partitions got at once. Groups of one asset and kind have no partition in common.
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

-- The partitions of an asset that are materialized (kind 0), and those that failed when last tried (kind 2). An empty
-- set has no row.
CREATE TABLE partition_set (
    asset  INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    labels BLOB    NOT NULL,
    PRIMARY KEY (asset, kind)
) STRICT, WITHOUT ROWID;

-- What runs without an end are to make and have not come to.
CREATE TABLE in_flight (
    asset  INTEGER NOT NULL,
    run    INTEGER NOT NULL,
    labels BLOB    NOT NULL,
    PRIMARY KEY (asset, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX in_flight_run ON in_flight (run);

-- Tables of partition keys: '' has those of static definitions, the others are named as dynamic ones, and live is the
-- set of what is registered now. The key of ordinal o in table t is the row t << 32 | o; size is how many there are.
CREATE TABLE key_table (
    key  INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    live BLOB
) STRICT;

CREATE TABLE partition_key (
    id        INTEGER NOT NULL PRIMARY KEY,
    key_table INTEGER NOT NULL,
    key       TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX partition_key_text ON partition_key (key_table, key);

-- The feed of changes: what a transaction changed of some assets. id is the seq, shifted by 20 bits, and a number among the
-- rows of one transaction. subject has the keys of the assets as varints, each less the one before, or the name of a table
-- of keys. The newest row is never deleted: its seq is the last one that was given.
CREATE TABLE change (
    id      INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    labels  BLOB,
    subject BLOB
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER change_newest_stays BEFORE DELETE ON change WHEN old.id = (SELECT max(id) FROM change)
BEGIN SELECT raise(ABORT, 'the newest change stays, or its number would be given again'); END;
-- +goose StatementEnd

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

-- +goose StatementBegin
CREATE TRIGGER backfill_newest_stays BEFORE DELETE ON backfill WHEN old.key = (SELECT max(key) FROM backfill)
BEGIN SELECT raise(ABORT, 'the newest backfill stays, or its key would be given again'); END;
-- +goose StatementEnd

-- The backfills without an end: few, whatever the history.
CREATE INDEX backfill_open ON backfill (key) WHERE state < 3;

-- What was asked for, beside the row that changes often.
CREATE TABLE backfill_request (
    backfill INTEGER NOT NULL PRIMARY KEY,
    rerun_of TEXT    NOT NULL,
    assets   BLOB,
    request  BLOB
) STRICT;

-- Its partitions: 0 all of them, 1 submitted, 2 completed, 3 failed, 4 canceled. An empty set has no row.
CREATE TABLE backfill_set (
    backfill INTEGER NOT NULL,
    which    INTEGER NOT NULL,
    labels   BLOB    NOT NULL,
    PRIMARY KEY (backfill, which)
) STRICT, WITHOUT ROWID;

-- A program that does not know of partitions would leave out what it changes from the feed, and states without an order.
UPDATE store SET schema_version = 4, min_reader = 4;
