-- +goose Up

-- Text is UTF-8 compared as bytes. The character U+0001 in it begins an escape for what PostgreSQL keeps in
-- no text: 01 01 is the byte 0, 01 02 is itself, 01 03 and two hex digits a byte that is not UTF-8.
-- Times are microseconds since 1970, zero for none. Documents are JSON, NULL for none.

-- One row: the store itself. A program of schema version v reads a store whose min_reader is at
-- most v; every migration updates both numbers.
CREATE TABLE store (
    one            boolean NOT NULL PRIMARY KEY CHECK (one),
    id             text    NOT NULL,
    schema_version integer NOT NULL,
    min_reader     integer NOT NULL
);

-- Rows are changed several times and rarely grow: free space in the page lets most changes leave the indexes alone.
-- lease_until is zero for a run without an owner or with an end; cancel is the first request to stop it.
CREATE TABLE run (
    key         bigint   NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token       bigint   NOT NULL,
    lease_until bigint   NOT NULL,
    created_at  bigint   NOT NULL,
    started_at  bigint   NOT NULL,
    ended_at    bigint   NOT NULL,
    succeeded   integer  NOT NULL,
    failed      integer  NOT NULL,
    skipped     integer  NOT NULL,
    canceled    integer  NOT NULL,
    state       smallint NOT NULL,
    id          text     COLLATE "C" NOT NULL UNIQUE,
    location    text     COLLATE "C" NOT NULL,
    job         text     COLLATE "C" NOT NULL,
    owner       text     COLLATE "C" NOT NULL,
    error       text     NOT NULL,
    request     text,
    tags        text,
    cancel      text,
    plan        text
) WITH (fillfactor = 80);

-- The runs without an end: few, whatever the history.
CREATE INDEX run_open ON run (key) WHERE state < 3;

CREATE TABLE event (
    run      bigint   NOT NULL,
    n        bigint   NOT NULL,
    at       bigint   NOT NULL,
    retry_at bigint   NOT NULL,
    asset    bigint,
    step     integer  NOT NULL,
    attempt  integer  NOT NULL,
    cause    integer  NOT NULL,
    kind     smallint NOT NULL,
    status   smallint NOT NULL,
    detail   text,
    PRIMARY KEY (run, n)
);

CREATE INDEX event_asset ON event (asset, run, n) WHERE asset IS NOT NULL;

CREATE TABLE asset (
    key  bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text   COLLATE "C" NOT NULL UNIQUE
);

-- The latest materialization and the latest observation of each asset.
CREATE TABLE asset_state (
    asset        bigint  NOT NULL,
    run          bigint  NOT NULL,
    n            bigint  NOT NULL,
    at           bigint  NOT NULL,
    observed     boolean NOT NULL,
    data_version text    NOT NULL,
    code_version text    NOT NULL,
    detail       text,
    PRIMARY KEY (asset, observed)
) WITH (fillfactor = 70);

CREATE TABLE log (
    run     bigint   NOT NULL,
    n       bigint   NOT NULL,
    at      bigint   NOT NULL,
    step    integer  NOT NULL,
    attempt integer  NOT NULL,
    level   integer  NOT NULL,
    stream  smallint NOT NULL,
    message text     NOT NULL,
    attrs   text     NOT NULL,
    PRIMARY KEY (run, n)
);

-- How many slots a pool has: what a person has set, else what definitions declare; zero for neither.
CREATE TABLE pool (
    name     text    COLLATE "C" NOT NULL PRIMARY KEY,
    declared integer NOT NULL,
    by_hand  integer NOT NULL
);

-- What a step holds of a pool, or waits for. Tickets are the order of arrival; the rows of one claim
-- share theirs. A row whose until has passed counts for nothing.
CREATE TABLE slot (
    ticket   bigint  NOT NULL,
    run      bigint  NOT NULL,
    since    bigint  NOT NULL,
    until    bigint  NOT NULL,
    step     integer NOT NULL,
    attempt  integer NOT NULL,
    slots    integer NOT NULL,
    holding  boolean NOT NULL,
    pool     text    COLLATE "C" NOT NULL,
    step_key text    NOT NULL,
    PRIMARY KEY (ticket, pool)
) WITH (fillfactor = 70);

CREATE INDEX slot_pool ON slot (pool, ticket);
CREATE INDEX slot_run ON slot (run);

CREATE SEQUENCE slot_ticket;

CREATE TABLE kv (
    key   text  COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE topology (
    location text   COLLATE "C" NOT NULL PRIMARY KEY,
    at       bigint NOT NULL,
    hash     text   NOT NULL,
    doc      text
);

INSERT INTO store (one, id, schema_version, min_reader)
VALUES (true, replace(gen_random_uuid()::text, '-', ''), 1, 1);
