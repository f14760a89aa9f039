-- Holdouts, learned propensities and the score of doing nothing. Rows from before have empty lists and zeros.
ALTER TABLE decisions_raw
    ADD COLUMN IF NOT EXISTS fate_learned Array(LowCardinality(Nullable(String))) AFTER fate_scores,
    ADD COLUMN IF NOT EXISTS nothing Float64 AFTER contact_classes,
    ADD COLUMN IF NOT EXISTS model_hash LowCardinality(String) AFTER nothing,
    ADD COLUMN IF NOT EXISTS trial_holdouts Array(LowCardinality(String)) AFTER model_hash,
    ADD COLUMN IF NOT EXISTS trial_offers Array(LowCardinality(String)) AFTER trial_holdouts,
    ADD COLUMN IF NOT EXISTS trial_groups Array(LowCardinality(String)) AFTER trial_offers;

CREATE OR REPLACE VIEW decisions AS
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash, event_time,
       accepted_at, decided_at, not_after, outcome, reason, offer_ids, offer_scores,
       fate_offers, fate_triggers, fate_stages, fate_reasons, fate_rules, fate_propensities, fate_contexts, fate_values,
       fate_levers, fate_scores, arrayResize(fate_learned, length(fate_offers)) AS fate_learned,
       feature_names, feature_los, feature_his, feature_classes,
       contact_offers, contact_categories, contact_classes, nothing, model_hash,
       trial_holdouts, trial_offers, trial_groups, log_partition, log_offset
FROM decisions_raw FINAL;

CREATE OR REPLACE VIEW decision_candidates AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, outcome, pack_hash,
       fate_offer AS offer, fate_trigger AS `trigger`, fate_stage AS stage, fate_reason AS reason, fate_rule AS rule,
       propensity, context, value, lever, score, nothing, learned, model_hash
FROM decisions
ARRAY JOIN fate_offers AS fate_offer, fate_triggers AS fate_trigger, fate_stages AS fate_stage,
           fate_reasons AS fate_reason, fate_rules AS fate_rule, fate_propensities AS propensity,
           fate_contexts AS context, fate_values AS value, fate_levers AS lever, fate_scores AS score,
           fate_learned AS learned;

CREATE OR REPLACE VIEW funnel_by_stage AS
WITH ['trigger', 'eligibility', 'suitability', 'guardrail', 'contact', 'holdout', 'arbitration', 'placement', 'final_gate', 'offered']
     AS stages
SELECT day, offer, place, arrayElement(stages, place) AS stage,
       countIf(ended >= place) AS reached, countIf(ended = place AND stage != 'offered') AS stopped
FROM (SELECT toDate(decided_at) AS day, offer, indexOf(stages, stage) AS ended FROM decision_candidates)
ARRAY JOIN arrayEnumerate(stages) AS place
GROUP BY day, offer, place;

-- Customers who came to an offer that a holdout keeps back from its members: treated (the offer was made) or held out.
CREATE OR REPLACE VIEW holdout_trials AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, pack_hash, holdout, offer, `group`
FROM decisions
ARRAY JOIN trial_holdouts AS holdout, trial_offers AS offer, trial_groups AS `group`;

-- What an offer brought, against those who were held out: share of customers with an event of the type `outcome` within `days`
-- after they first came to the offer, in both groups, and the difference with its 95 % interval (hybrid score interval of
-- Newcombe 1998, method 10, over the score intervals of Wilson 1927). A customer counts once, in the group they were first in, and
-- only when the days are over as of the newest event. An outcome that names another offer does not count.
-- SELECT * FROM holdout_lift(outcome = 'offer.accepted', days = 30)
CREATE OR REPLACE VIEW holdout_lift AS
WITH
    1.959963984540054 AS z,
    treated_outcomes / treated AS p,
    held_out_outcomes / held_out AS q,
    z * sqrt(p * (1 - p) / treated + z * z / (4 * treated * treated)) AS p_spread,
    z * sqrt(q * (1 - q) / held_out + z * z / (4 * held_out * held_out)) AS q_spread,
    (p + z * z / (2 * treated) - p_spread) / (1 + z * z / treated) AS p_low,
    (p + z * z / (2 * treated) + p_spread) / (1 + z * z / treated) AS p_high,
    (q + z * z / (2 * held_out) - q_spread) / (1 + z * z / held_out) AS q_low,
    (q + z * z / (2 * held_out) + q_spread) / (1 + z * z / held_out) AS q_high
SELECT holdout, offer, treated, treated_outcomes, held_out, held_out_outcomes,
       p AS treated_rate, q AS held_out_rate, p - q AS lift,
       p - q - sqrt((p - p_low) * (p - p_low) + (q_high - q) * (q_high - q)) AS lift_low,
       p - q + sqrt((p_high - p) * (p_high - p) + (q - q_low) * (q - q_low)) AS lift_high
FROM
(
    SELECT holdout, offer,
           countIf(`group` = 'treated') AS treated, countIf(`group` = 'treated' AND won) AS treated_outcomes,
           countIf(`group` = 'held_out') AS held_out, countIf(`group` = 'held_out' AND won) AS held_out_outcomes
    FROM
    (
        SELECT t.holdout AS holdout, t.offer AS offer, t.customer_id AS customer_id, any(t.`group`) AS `group`,
               countIf(e.at >= t.since AND e.at <= t.since + toIntervalDay({days:UInt16})
                       AND (e.offer = '' OR e.offer = t.offer)) > 0 AS won
        FROM
        (
            SELECT holdout, offer, customer_id, min(decided_at) AS since, argMin(`group`, decided_at) AS `group`
            FROM holdout_trials GROUP BY holdout, offer, customer_id
        ) AS t
        LEFT JOIN
        (
            SELECT customer_id, event_time AS at, offer FROM events WHERE type = {outcome:String}
        ) AS e ON e.customer_id = t.customer_id
        WHERE t.since + toIntervalDay({days:UInt16}) <= (SELECT max(event_time) FROM events)
        GROUP BY holdout, offer, customer_id
    )
    GROUP BY holdout, offer
)
ORDER BY holdout, offer;
