-- Where the data of decisions came from. `origin_features`: positions in the features of the decision, from 0, a space between them.
ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS origin_kinds Array(LowCardinality(String)) AFTER stock_untils;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS origin_ids Array(LowCardinality(String)) AFTER origin_kinds;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS origin_bases Array(LowCardinality(String)) AFTER origin_ids;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS origin_features Array(LowCardinality(String)) AFTER origin_bases;

CREATE OR REPLACE VIEW decisions AS
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash, event_time,
       accepted_at, decided_at, not_after, outcome, reason, offer_ids, offer_scores,
       fate_offers, fate_triggers, fate_stages, fate_reasons, fate_rules, fate_propensities, fate_contexts, fate_values,
       fate_levers, fate_scores, arrayResize(fate_learned, length(fate_offers)) AS fate_learned,
       arrayResize(fate_possible_ats, length(fate_offers)) AS fate_possible_ats,
       feature_names, feature_los, feature_his, feature_classes,
       contact_offers, contact_categories, contact_classes, nothing, model_hash,
       trial_holdouts, trial_offers, trial_groups, confirm_by, held_triggers, held_ats, held_expiries, recalls,
       stock_offers, stock_resources, stock_amounts, stock_lefts, stock_claims, stock_untils,
       origin_kinds, origin_ids, origin_bases, origin_features,
       log_partition, log_offset
FROM decisions_raw FINAL;

-- A row for each decision and origin of its data. `features`: the names of what came from there; empty: only the event that caused it.
CREATE OR REPLACE VIEW decision_origins AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, pack_hash, outcome, reason, offer_ids AS offers,
       kind, origin, basis,
       arrayMap(position -> arrayElement(feature_names, toUInt32(position) + 1),
                arrayFilter(position -> position != '', splitByChar(' ', toString(positions)))) AS features
FROM decisions
ARRAY JOIN origin_kinds AS kind, origin_ids AS origin, origin_bases AS basis, origin_features AS positions;

-- The decisions that a source influenced: it fed a value that was read, or sent the event that caused the decision. `since`: an instant.
CREATE OR REPLACE VIEW decisions_of_source AS
SELECT decision_id, customer_id, decided_at, placement, channel, pack_hash, outcome, reason, offers, basis, features
FROM decision_origins
WHERE kind = 'source' AND origin = {source:String} AND decided_at >= toDateTime64({since:String}, 3, 'UTC');

-- The decisions that read data collected under a consent, by the name that it has in records.
CREATE OR REPLACE VIEW decisions_of_consent AS
SELECT decision_id, customer_id, decided_at, placement, channel, pack_hash, outcome, reason, offers, features
FROM decision_origins
WHERE kind = 'consent' AND origin = {consent:String} AND decided_at >= toDateTime64({since:String}, 3, 'UTC');
