-- What a replay of one customer asks of the batches that it does not read: how many events each took, and whether it says of the series. Batches
-- copied before say neither: they are read, and every offset counts as an event.
ALTER TABLE batches_raw ADD COLUMN IF NOT EXISTS events UInt64 DEFAULT if(kind = 'step', next_offset - from_offset, 0) CODEC(ZSTD(1)) AFTER next_offset;
ALTER TABLE batches_raw ADD COLUMN IF NOT EXISTS says_series Bool DEFAULT true CODEC(ZSTD(1)) AFTER revoked;

CREATE OR REPLACE VIEW batches AS
SELECT log_partition, seq, prev, kind, clock, decided_at, from_offset, next_offset, events, requests, due, decisions, fallbacks, pack_hash,
       learned_hash, quarantined, revoked
FROM batches_raw FINAL;
