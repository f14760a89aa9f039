-- What commits were made from, so that every decision can be computed again. `record` is the record of the batches log without
-- customers and names of requests: those are rows of inputs_raw, which an erasure takes.
CREATE TABLE IF NOT EXISTS batches_raw
(
    log_partition UInt16 CODEC(ZSTD(1)),
    seq           UInt64 CODEC(Delta, ZSTD(1)),
    prev          UInt64 CODEC(Delta, ZSTD(1)),
    kind          LowCardinality(String),
    clock         LowCardinality(String),
    decided_at    DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    from_offset   UInt64 CODEC(Delta, ZSTD(1)),
    next_offset   UInt64 CODEC(Delta, ZSTD(1)),
    requests      UInt64 CODEC(ZSTD(1)),
    due           UInt64 CODEC(ZSTD(1)),
    decisions     UInt64 CODEC(ZSTD(1)),
    fallbacks     UInt64 CODEC(ZSTD(1)),
    pack_hash     LowCardinality(String),
    learned_hash  LowCardinality(String),
    quarantined   Array(LowCardinality(String)),
    revoked       Array(LowCardinality(String)),
    record        String CODEC(ZSTD(1)),
    accepted_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    inserted_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (log_partition, seq)
SETTINGS ttl_only_drop_parts = 1;

-- A row for each live request and each customer of whom something was due. `step` and `place` say where it stands in its batch.
CREATE TABLE IF NOT EXISTS inputs_raw
(
    log_partition UInt16 CODEC(ZSTD(1)),
    seq           UInt64 CODEC(Delta, ZSTD(1)),
    kind          LowCardinality(String),
    step          UInt64 CODEC(ZSTD(1)),
    place         UInt64 CODEC(ZSTD(1)),
    customer_id   String CODEC(ZSTD(1)),
    request_id    String CODEC(ZSTD(1)),
    placement     LowCardinality(String),
    wanted        UInt64 CODEC(ZSTD(1)),
    personalised  Bool CODEC(ZSTD(1)),
    accepted_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    inserted_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (log_partition, seq, kind, step, place)
SETTINGS ttl_only_drop_parts = 1;

-- The events of the log as they were, in its order: a repeat of an event is a record of its own here, and a replay reads them without
-- sorting. `own_door`: it came through our own door.
CREATE TABLE IF NOT EXISTS event_records_raw
(
    log_partition UInt16 CODEC(ZSTD(1)),
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    accepted_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    own_door      Bool CODEC(ZSTD(1)),
    customer_id   String CODEC(ZSTD(1)),
    record        String CODEC(ZSTD(1)),
    inserted_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (log_partition, log_offset)
SETTINGS ttl_only_drop_parts = 1;

CREATE OR REPLACE VIEW batches AS
SELECT log_partition, seq, prev, kind, clock, decided_at, from_offset, next_offset, requests, due, decisions, fallbacks, pack_hash,
       learned_hash, quarantined, revoked
FROM batches_raw FINAL;

CREATE OR REPLACE VIEW inputs AS
SELECT log_partition, seq, kind, step, place, customer_id, request_id, placement, wanted, personalised
FROM inputs_raw FINAL;
