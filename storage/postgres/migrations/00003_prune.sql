-- +goose Up

-- Which rows of a run were pruned: a bit for each kind, and 8 bits further up another one where no row of the kind is left.
ALTER TABLE run ADD COLUMN lost integer NOT NULL DEFAULT 0;

-- The ID of the run that a run retries: what one without an end retries is not pruned.
ALTER TABLE run ADD COLUMN retry_of text COLLATE "C" NOT NULL DEFAULT '';

-- The names of runs that were pruned and that present states refer to.
CREATE TABLE pruned_run (
    key bigint NOT NULL PRIMARY KEY,
    id  text   COLLATE "C" NOT NULL
);

-- A program that does not know of pruning would take a run that has lost its events for one to which nothing has happened.
UPDATE store SET schema_version = 3, min_reader = 3;
