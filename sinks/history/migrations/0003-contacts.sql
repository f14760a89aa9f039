-- The contacts a decision took of the customer's caps.
ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS contact_offers Array(LowCardinality(String)) AFTER feature_classes;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS contact_categories Array(LowCardinality(String)) AFTER contact_offers;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS contact_classes Array(LowCardinality(String)) AFTER contact_categories;

CREATE OR REPLACE VIEW decisions AS
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash, event_time,
       accepted_at, decided_at, not_after, outcome, reason, offer_ids, offer_scores,
       fate_offers, fate_triggers, fate_stages, fate_reasons, fate_rules, fate_propensities, fate_contexts, fate_values,
       fate_levers, fate_scores, feature_names, feature_los, feature_his, feature_classes,
       contact_offers, contact_categories, contact_classes, log_partition, log_offset
FROM decisions_raw FINAL;
