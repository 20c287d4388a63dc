-- +goose Up

-- Which rows of a run were pruned: a bit for each kind, and 8 bits further up another one where no row of the kind is left.
ALTER TABLE run ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;

-- The ID of the run that a run retries, and those without an end that retry any: what they retry is not pruned.
ALTER TABLE run ADD COLUMN retry_of TEXT NOT NULL DEFAULT '';

CREATE INDEX run_retries ON run (retry_of) WHERE retry_of <> '' AND state < 3;

-- The names of runs that were pruned and that present states refer to.
CREATE TABLE pruned_run (
    key INTEGER NOT NULL PRIMARY KEY,
    id  TEXT    NOT NULL
) STRICT;

-- A program that does not know of pruning would take a run that has lost its events for one to which nothing has happened.
UPDATE store SET schema_version = 5, min_reader = 5;
