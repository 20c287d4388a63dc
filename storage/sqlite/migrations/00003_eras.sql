-- +goose Up

-- The index that finds the events of an asset had an entry of each asset at a place of its own: with
-- millions of events behind it a run of 10,000 assets changed 10,000 pages. Its entries now stand
-- era by era, and those that are written together stand together. A new era begins after
-- 8,192 materializations and observations, about thirty pages of the index; a run and its events stay
-- in the one that it was recorded in, so that the order of eras is that of runs.
ALTER TABLE store ADD COLUMN era INTEGER NOT NULL DEFAULT 1;
ALTER TABLE store ADD COLUMN era_events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN era INTEGER NOT NULL DEFAULT 0;

DROP INDEX event_asset;
CREATE INDEX event_asset ON event (era, asset, run, n) WHERE asset IS NOT NULL;

-- A program that does not know of eras would put all it writes into the first.
UPDATE store SET schema_version = 3, min_reader = 3;
