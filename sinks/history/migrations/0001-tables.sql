-- What came in and what left. Both tables hold every record of the logs at least once: a repeat has the same sorting key
-- and the views of 0002 read through FINAL, so nobody counts it twice. Partitioned by the week of insertion, so that
-- retention drops whole parts and imports of old data do not scatter over years.
CREATE TABLE IF NOT EXISTS events_raw
(
    id            String CODEC(ZSTD(1)),
    source        LowCardinality(String),
    type          LowCardinality(String),
    customer_id   String CODEC(ZSTD(1)),
    event_time    DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    accepted_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    via           LowCardinality(String),
    consent_id    Nullable(String) CODEC(ZSTD(1)),
    amount_minor  Nullable(Int64) CODEC(ZSTD(1)),
    currency      LowCardinality(String),
    category      LowCardinality(String),
    channel       LowCardinality(String),
    placement     LowCardinality(String),
    offer         LowCardinality(String),
    decision_id   String CODEC(ZSTD(1)),
    data          String CODEC(ZSTD(1)),
    log_partition UInt16 CODEC(ZSTD(1)),
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    inserted_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_decision decision_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (toDate(event_time), customer_id, source, id)
SETTINGS ttl_only_drop_parts = 1;

-- One row a decision, with all its candidates, offers and feature values as parallel arrays: a decision is there whole or
-- not at all, and the arrays cost a fraction of a row for each candidate.
CREATE TABLE IF NOT EXISTS decisions_raw
(
    id                String CODEC(ZSTD(1)),
    customer_id       String CODEC(ZSTD(1)),
    cause_kind        LowCardinality(String),
    cause_id          String CODEC(ZSTD(1)),
    cause_source      LowCardinality(String),
    cause_type        LowCardinality(String),
    placement         LowCardinality(String),
    channel           LowCardinality(String),
    pack_hash         LowCardinality(String),
    event_time        DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    accepted_at       DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decided_at        DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    not_after         Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    outcome           LowCardinality(String),
    reason            LowCardinality(String),
    offer_ids         Array(LowCardinality(String)),
    offer_scores      Array(Float64) CODEC(ZSTD(1)),
    fate_offers       Array(LowCardinality(String)),
    fate_triggers     Array(LowCardinality(Nullable(String))),
    fate_stages       Array(LowCardinality(String)),
    fate_reasons      Array(LowCardinality(String)),
    fate_rules        Array(LowCardinality(Nullable(String))),
    fate_propensities Array(Float64) CODEC(ZSTD(1)),
    fate_contexts     Array(Float64) CODEC(ZSTD(1)),
    fate_values       Array(Float64) CODEC(ZSTD(1)),
    fate_levers       Array(Float64) CODEC(ZSTD(1)),
    fate_scores       Array(Float64) CODEC(ZSTD(1)),
    feature_names     Array(LowCardinality(String)),
    feature_los       Array(Float64) CODEC(ZSTD(1)),
    feature_his       Array(Float64) CODEC(ZSTD(1)),
    feature_classes   Array(LowCardinality(String)),
    log_partition     UInt16 CODEC(ZSTD(1)),
    log_offset        UInt64 CODEC(Delta, ZSTD(1)),
    inserted_at       DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_cause cause_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (toDate(decided_at), customer_id, id)
SETTINGS ttl_only_drop_parts = 1;

-- How far the writer has copied each partition of each log: the newest of each of the last five minutes is kept, so that
-- a machine that lost power can go back a minute. Bounded by its key, so it needs no retention.
CREATE TABLE IF NOT EXISTS positions_raw
(
    log           LowCardinality(String),
    log_partition UInt16,
    next          UInt64,
    stored_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (log, log_partition, toMinute(stored_at) % 5);
