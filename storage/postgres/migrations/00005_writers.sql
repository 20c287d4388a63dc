-- +goose Up

-- One row for each open store that writes. A transaction moves batch to its own number, and so tells later
-- whether it was committed. voided is the last number that was given up: its transaction can no longer commit.
-- No number is both. at is the time of the last change. A store deletes its row when it is closed.
CREATE TABLE writer (
    id     text   COLLATE "C" NOT NULL PRIMARY KEY,
    batch  bigint NOT NULL CHECK (batch >= 0),
    voided bigint NOT NULL CHECK (voided >= 0),
    at     bigint NOT NULL,
    CHECK (batch <> voided)
) WITH (fillfactor = 50);

-- Programs of version 3 and 4 read and write as before.
UPDATE store SET schema_version = 5, min_reader = 3;
