-- +goose Up

-- What is kept of partitions. labels is a set of partitions in its binary form, NULL for an asset without partitions. Such
-- sets are compact already: the large ones are kept as they are.

-- seq orders states and changes: the number of the transaction, shifted by 20 bits, and what it counts besides. seq_offset is
-- added to that number: it is zero unless the store was moved to a server whose numbers are smaller.
ALTER TABLE store ADD COLUMN seq_offset bigint NOT NULL DEFAULT 0;

-- backfill is the ID of the backfill that the run belongs to.
ALTER TABLE run ADD COLUMN backfill text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN partition text NOT NULL DEFAULT '';

CREATE INDEX run_backfill ON run (backfill, key) WHERE backfill <> '';

ALTER TABLE event ADD COLUMN partition text COLLATE "C" NOT NULL DEFAULT '';

-- The latest state of each asset and kind: 0 materialized, 1 observed, 2 failed, 3 wiped. partition is the text of the key,
-- NULL for an asset without partitions, empty for many at once.
ALTER TABLE asset_state ALTER COLUMN observed TYPE smallint USING observed::integer::smallint;
ALTER TABLE asset_state RENAME COLUMN observed TO kind;
ALTER TABLE asset_state ADD COLUMN seq bigint NOT NULL DEFAULT 0;
ALTER TABLE asset_state ADD COLUMN partition text;

-- The latest state of single partitions. A row holds unless a group of its kind, or one that was wiped, has a greater
-- seq and the partition in it.
CREATE TABLE partition_state (
    asset        bigint   NOT NULL,
    seq          bigint   NOT NULL,
    run          bigint   NOT NULL,
    n            bigint   NOT NULL,
    at           bigint   NOT NULL,
    kind         smallint NOT NULL,
    partition    text     COLLATE "C" NOT NULL,
    data_version text     NOT NULL,
    code_version text     NOT NULL,
    labels       bytea    NOT NULL,
    detail       text,
    PRIMARY KEY (asset, kind, partition)
) WITH (fillfactor = 80);

-- The states that many partitions got at once. Groups of one asset and kind have no partition in common.
CREATE TABLE partition_group (
    asset        bigint   NOT NULL,
    seq          bigint   NOT NULL,
    run          bigint   NOT NULL,
    n            bigint   NOT NULL,
    at           bigint   NOT NULL,
    kind         smallint NOT NULL,
    data_version text     NOT NULL,
    code_version text     NOT NULL,
    labels       bytea    NOT NULL,
    detail       text,
    PRIMARY KEY (asset, kind, seq)
);
ALTER TABLE partition_group ALTER COLUMN labels SET STORAGE EXTERNAL;

-- The partitions of an asset that are materialized (kind 0), and those that failed when last tried (kind 2).
CREATE TABLE partition_set (
    asset  bigint   NOT NULL,
    kind   smallint NOT NULL,
    labels bytea    NOT NULL,
    PRIMARY KEY (asset, kind)
) WITH (fillfactor = 70);
ALTER TABLE partition_set ALTER COLUMN labels SET STORAGE EXTERNAL;

-- What runs without an end are to make and have not come to.
CREATE TABLE in_flight (
    asset  bigint NOT NULL,
    run    bigint NOT NULL,
    labels bytea  NOT NULL,
    PRIMARY KEY (asset, run)
);

CREATE INDEX in_flight_run ON in_flight (run);

-- Tables of partition keys: '' has those of static definitions, the others are named as dynamic ones, and live is the
-- set of what is registered now. size is how many keys there are: their ordinals are 0 to size-1.
CREATE TABLE key_table (
    key  bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size bigint NOT NULL,
    name text   COLLATE "C" NOT NULL UNIQUE,
    live bytea
) WITH (fillfactor = 70);
ALTER TABLE key_table ALTER COLUMN live SET STORAGE EXTERNAL;

CREATE TABLE partition_key (
    key_table bigint NOT NULL,
    ordinal   bigint NOT NULL,
    key       text   COLLATE "C" NOT NULL,
    PRIMARY KEY (key_table, ordinal),
    UNIQUE (key_table, key)
);

-- The feed of changes: what a transaction changed of some assets, whose keys are varints, each less the one before.
CREATE TABLE change (
    seq    bigint   NOT NULL,
    at     bigint   NOT NULL,
    run    bigint   NOT NULL,
    i      integer  NOT NULL,
    kind   smallint NOT NULL,
    labels bytea,
    assets bytea,
    keys   text     NOT NULL,
    PRIMARY KEY (seq, i)
);

CREATE TABLE backfill (
    key         bigint   NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token       bigint   NOT NULL,
    lease_until bigint   NOT NULL,
    created_at  bigint   NOT NULL,
    started_at  bigint   NOT NULL,
    ended_at    bigint   NOT NULL,
    total       bigint   NOT NULL,
    runs        bigint   NOT NULL,
    completed   bigint   NOT NULL,
    failed      bigint   NOT NULL,
    canceled    bigint   NOT NULL,
    state       smallint NOT NULL,
    id          text     COLLATE "C" NOT NULL UNIQUE,
    location    text     COLLATE "C" NOT NULL,
    owner       text     COLLATE "C" NOT NULL,
    rerun_of    text     NOT NULL,
    error       text     NOT NULL,
    cancel      text,
    assets      text,
    request     text
) WITH (fillfactor = 80);

-- The backfills without an end: few, whatever the history.
CREATE INDEX backfill_open ON backfill (key) WHERE state < 3;

-- Its partitions: 0 all of them, 1 submitted, 2 completed, 3 failed, 4 canceled. An empty set has no row.
CREATE TABLE backfill_set (
    backfill bigint   NOT NULL,
    which    smallint NOT NULL,
    labels   bytea    NOT NULL,
    PRIMARY KEY (backfill, which)
) WITH (fillfactor = 70);
ALTER TABLE backfill_set ALTER COLUMN labels SET STORAGE EXTERNAL;

-- A program that does not know of partitions would leave out what it changes from the feed, and states without an order.
UPDATE store SET schema_version = 2, min_reader = 2;
