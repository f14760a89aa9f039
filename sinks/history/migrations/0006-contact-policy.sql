-- When a refused offer is possible again, until when a contact counts without a receipt, and what waits for quiet hours to end.
-- Instants of lists are Unix milliseconds, 0: none.
ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS fate_possible_ats Array(Float64) AFTER trial_groups;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS confirm_by UInt64 AFTER fate_possible_ats;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS held_triggers Array(LowCardinality(String)) AFTER confirm_by;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS held_ats Array(Float64) AFTER held_triggers;

ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS held_expiries Array(Float64) AFTER held_ats;

CREATE OR REPLACE VIEW decisions AS
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash, event_time,
       accepted_at, decided_at, not_after, outcome, reason, offer_ids, offer_scores,
       fate_offers, fate_triggers, fate_stages, fate_reasons, fate_rules, fate_propensities, fate_contexts, fate_values,
       fate_levers, fate_scores, arrayResize(fate_learned, length(fate_offers)) AS fate_learned,
       arrayResize(fate_possible_ats, length(fate_offers)) AS fate_possible_ats,
       feature_names, feature_los, feature_his, feature_classes,
       contact_offers, contact_categories, contact_classes, nothing, model_hash,
       trial_holdouts, trial_offers, trial_groups, confirm_by, held_triggers, held_ats, held_expiries,
       log_partition, log_offset
FROM decisions_raw FINAL;
