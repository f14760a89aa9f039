-- The prices that were told with offers. `price_values`: a fee in minor units, else a decimal number. `price_knowns`: 0, it is what the pack
-- states for all of whom something that the price depends on is not known.
ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS price_offers Array(LowCardinality(String)) AFTER origin_features;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS price_ids Array(LowCardinality(String)) AFTER price_offers;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS price_kinds Array(LowCardinality(String)) AFTER price_ids;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS price_values Array(Float64) AFTER price_kinds;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS price_knowns Array(Float64) AFTER price_values;

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
       price_offers, price_ids, price_kinds, price_values, price_knowns,
       log_partition, log_offset
FROM decisions_raw FINAL;

-- A row for each price that was told: to whom, for which offer, how much, whether all that it depends on was known.
CREATE OR REPLACE VIEW prices_told AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, pack_hash, outcome,
       offer, price, kind, value, known = 1 AS known
FROM decisions
ARRAY JOIN price_offers AS offer, price_ids AS price, price_kinds AS kind, price_values AS value, price_knowns AS known;
