-- +goose Up

-- Who runs a run, and until when it is theirs without a renewal (zero: it is nobody's, or has ended).
-- cancel is the JSON of the first request to stop it.
ALTER TABLE run ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN cancel BLOB;

CREATE INDEX run_leased ON run (lease_until) WHERE lease_until > 0;

-- How many slots a pool has: what a person has set, else what definitions declare; zero for neither.
CREATE TABLE pool (
    name     TEXT    NOT NULL PRIMARY KEY,
    declared INTEGER NOT NULL,
    by_hand  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a step holds of a pool, or waits for. Tickets are the order of arrival; the rows of one claim
-- share theirs. A row whose until has passed counts for nothing.
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

CREATE INDEX slot_pool ON slot (pool, ticket);
CREATE INDEX slot_step ON slot (run, step);

-- Counters that tell other processes that something of a topic was written.
CREATE TABLE signal (
    topic INTEGER NOT NULL PRIMARY KEY,
    n     INTEGER NOT NULL
) STRICT;

UPDATE store SET schema_version = 2, min_reader = 1;
