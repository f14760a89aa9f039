-- Which earlier decisions a record recalls (reason recalled), or was sent although recalled (sent_after_recall): the first 13 hex digits of their ids.
ALTER TABLE decisions_raw ADD COLUMN IF NOT EXISTS recalls Array(String) AFTER held_expiries;

CREATE OR REPLACE VIEW decisions AS
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash, event_time,
       accepted_at, decided_at, not_after, outcome, reason, offer_ids, offer_scores,
       fate_offers, fate_triggers, fate_stages, fate_reasons, fate_rules, fate_propensities, fate_contexts, fate_values,
       fate_levers, fate_scores, arrayResize(fate_learned, length(fate_offers)) AS fate_learned,
       arrayResize(fate_possible_ats, length(fate_offers)) AS fate_possible_ats,
       feature_names, feature_los, feature_his, feature_classes,
       contact_offers, contact_categories, contact_classes, nothing, model_hash,
       trial_holdouts, trial_offers, trial_groups, confirm_by, held_triggers, held_ats, held_expiries, recalls,
       log_partition, log_offset
FROM decisions_raw FINAL;

-- What a recall names was no candidate: its fates say why the message may not leave any more.
CREATE OR REPLACE VIEW decision_candidates AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, outcome, pack_hash,
       fate_offer AS offer, fate_trigger AS `trigger`, fate_stage AS stage, fate_reason AS reason, fate_rule AS rule,
       propensity, context, value, lever, score, nothing, learned, model_hash
FROM (SELECT * FROM decisions WHERE empty(recalls))
ARRAY JOIN fate_offers AS fate_offer, fate_triggers AS fate_trigger, fate_stages AS fate_stage,
           fate_reasons AS fate_reason, fate_rules AS fate_rule, fate_propensities AS propensity,
           fate_contexts AS context, fate_values AS value, fate_levers AS lever, fate_scores AS score,
           fate_learned AS learned;

-- A row for each message that was taken back: by which record, because of what event, and which of its offers may not leave because of
-- which rule; `sent_at`: it had left all the same, as a receipt behind the recall says (1970: as far as we know it has not).
CREATE OR REPLACE VIEW recalled_messages AS
SELECT r.id AS recall_id, m.id AS decision_id, r.customer_id AS customer_id, r.decided_at AS recalled_at,
       m.decided_at AS decided_at, r.channel AS channel, r.cause_type AS event_type, r.cause_source AS event_source,
       r.cause_id AS event_id, r.fate_offers AS offers, r.fate_reasons AS reasons, r.fate_rules AS rules, s.decided_at AS sent_at
FROM (SELECT *, digits FROM decisions ARRAY JOIN recalls AS digits WHERE reason = 'recalled') AS r
INNER JOIN decisions AS m ON m.customer_id = r.customer_id AND substring(m.id, 1, 13) = r.digits
LEFT JOIN (SELECT customer_id, decided_at, digits FROM decisions ARRAY JOIN recalls AS digits WHERE reason = 'sent_after_recall') AS s
  ON s.customer_id = r.customer_id AND s.digits = r.digits;
