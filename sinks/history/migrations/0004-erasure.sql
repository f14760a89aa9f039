-- Customers that were erased, and until when their rows go. Of the customer only a keyed hash is kept; the key is the
-- installation's. Longer than any log or backup may be kept, as both can bring rows back: ten years, the longest retention
-- that can be set, and a little.
CREATE TABLE IF NOT EXISTS erased_raw
(
    customer_hash String CODEC(ZSTD(1)),
    event_hash    String CODEC(ZSTD(1)),
    erased_at     DateTime64(3, 'UTC'),
    log           LowCardinality(String),
    log_partition UInt16,
    log_offset    UInt64,
    recorded_at   DateTime64(3, 'UTC'),
    gone_at       Nullable(DateTime64(3, 'UTC')),
    stored_at     DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (customer_hash, event_hash)
TTL toDateTime(recorded_at) + toIntervalDay(3660);

CREATE OR REPLACE VIEW erased_customers AS
SELECT customer_hash, erased_at, log, log_partition, log_offset, recorded_at, gone_at
FROM erased_raw FINAL;

-- Ids of customers whose rows are being deleted, by run of the deletion, in memory only: a mutation's text is kept by
-- ClickHouse, and so names a run instead of customers.
CREATE TABLE IF NOT EXISTS erasing
(
    customer String,
    until    Int64
)
ENGINE = Join(ANY, LEFT, customer)
SETTINGS persistent = 0;

-- Records that could not be decoded: where they stand and why, nothing of what they say.
CREATE TABLE IF NOT EXISTS undecodable_raw
(
    log           LowCardinality(String),
    log_partition UInt16,
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    reason        LowCardinality(String),
    accepted_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    inserted_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (log, log_partition, log_offset)
SETTINGS ttl_only_drop_parts = 1;

CREATE OR REPLACE VIEW undecodable AS
SELECT log, log_partition, log_offset, reason, accepted_at
FROM undecodable_raw FINAL;

-- `next` is where to go on after a crash, `copied` how far the rows are in: an erasure that is not done yet is read again.
ALTER TABLE positions_raw ADD COLUMN IF NOT EXISTS copied UInt64 AFTER next;

-- By the server's clock, as several nodes may store positions.
ALTER TABLE positions_raw MODIFY COLUMN stored_at DateTime64(3, 'UTC') DEFAULT now64(3);
