-- What offers would have taken of resources where they were short of it, or took. Amounts are units; left -1: it was not known; claim '':
-- nothing was taken; until: Unix milliseconds, 0: none.
ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS stock_offers Array(LowCardinality(String)) AFTER recalls;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS stock_resources Array(LowCardinality(String)) AFTER stock_offers;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS stock_amounts Array(Float64) AFTER stock_resources;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS stock_lefts Array(Float64) AFTER stock_amounts;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS stock_claims Array(String) AFTER stock_lefts;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS stock_untils Array(Float64) AFTER stock_claims;

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
       log_partition, log_offset
FROM decisions_raw FINAL;

CREATE OR REPLACE VIEW funnel_by_stage AS
WITH ['trigger', 'eligibility', 'suitability', 'guardrail', 'contact', 'stock', 'holdout', 'arbitration', 'placement', 'final_gate', 'offered']
     AS stages
SELECT day, offer, place, arrayElement(stages, place) AS stage,
       countIf(ended >= place) AS reached, countIf(ended = place AND stage != 'offered') AS stopped
FROM (SELECT toDate(decided_at) AS day, offer, indexOf(stages, stage) AS ended FROM decision_candidates)
ARRAY JOIN arrayEnumerate(stages) AS place
GROUP BY day, offer, place;

-- What was asked of resources, a row for each offer and resource: claimed (reserved for the customer), or refused with what was left.
CREATE OR REPLACE VIEW stock_asked AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, pack_hash, offer, resource, amount,
       if(`left` < 0, NULL, `left`) AS `left`, claim, if(claim = '', NULL, fromUnixTimestamp64Milli(toInt64(until), 'UTC')) AS until
FROM decisions
ARRAY JOIN stock_offers AS offer, stock_resources AS resource, stock_amounts AS amount, stock_lefts AS `left`,
           stock_claims AS claim, stock_untils AS until;
