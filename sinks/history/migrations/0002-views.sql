-- What people and dashboards query. Every one counts an event and a decision once, whatever was retried.
CREATE OR REPLACE VIEW events AS
SELECT id, source, type, customer_id, event_time, accepted_at, via, consent_id, amount_minor, currency, category, channel,
       placement, offer, decision_id, data, log_partition, log_offset
FROM events_raw FINAL;

CREATE OR REPLACE VIEW decisions AS
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash, event_time,
       accepted_at, decided_at, not_after, outcome, reason, offer_ids, offer_scores,
       fate_offers, fate_triggers, fate_stages, fate_reasons, fate_rules, fate_propensities, fate_contexts, fate_values,
       fate_levers, fate_scores, feature_names, feature_los, feature_his, feature_classes, log_partition, log_offset
FROM decisions_raw FINAL;

-- Every candidate of every decision: the last stage it reached, why, which rule, and the terms of its score.
CREATE OR REPLACE VIEW decision_candidates AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, outcome, pack_hash,
       fate_offer AS offer, fate_trigger AS `trigger`, fate_stage AS stage, fate_reason AS reason, fate_rule AS rule,
       propensity, context, value, lever, score
FROM decisions
ARRAY JOIN fate_offers AS fate_offer, fate_triggers AS fate_trigger, fate_stages AS fate_stage,
           fate_reasons AS fate_reason, fate_rules AS fate_rule, fate_propensities AS propensity,
           fate_contexts AS context, fate_values AS value, fate_levers AS lever, fate_scores AS score;

-- Every offer that left with a decision, best first.
CREATE OR REPLACE VIEW decision_offers AS
SELECT id AS decision_id, customer_id, decided_at, placement, channel, outcome, reason, pack_hash,
       offer_id AS offer, offer_score AS score, place
FROM decisions
ARRAY JOIN offer_ids AS offer_id, offer_scores AS offer_score, arrayEnumerate(offer_ids) AS place;

-- Every feature value a decision read. Infinite: no bound on that side.
CREATE OR REPLACE VIEW decision_features AS
SELECT id AS decision_id, customer_id, decided_at, pack_hash, name, lo, hi, class
FROM decisions
ARRAY JOIN feature_names AS name, feature_los AS lo, feature_his AS hi, feature_classes AS class;

-- What became of what left: offer.* and message.* events beside the decision they name.
CREATE OR REPLACE VIEW outcomes AS
SELECT e.decision_id AS decision_id, e.type AS type, e.event_time AS at, e.customer_id AS customer_id,
       if(e.offer = '', arrayElement(d.offer_ids, 1), e.offer) AS offer,
       if(e.placement = '', d.placement, e.placement) AS placement,
       if(e.channel = '', d.channel, e.channel) AS channel,
       d.id != '' AS decision_known, d.decided_at AS decided_at, d.outcome AS decision_outcome,
       d.pack_hash AS pack_hash, e.source AS source, e.id AS event_id
FROM (SELECT * FROM events WHERE startsWith(type, 'offer.') OR startsWith(type, 'message.')) AS e
LEFT ANY JOIN
(SELECT id, placement, channel, decided_at, outcome, pack_hash, offer_ids FROM decisions) AS d ON d.id = e.decision_id;

CREATE OR REPLACE VIEW decisions_by_offer AS
SELECT toDate(decided_at) AS day, offer, placement, channel, outcome,
       count() AS decisions, uniqExact(customer_id) AS customers
FROM decision_offers
GROUP BY day, offer, placement, channel, outcome;

CREATE OR REPLACE VIEW stops_by_guardrail AS
SELECT toDate(decided_at) AS day, reason, rule, stage, offer, channel,
       count() AS stops, uniqExact(customer_id) AS customers
FROM decision_candidates
WHERE stage IN ('guardrail', 'final_gate')
GROUP BY day, reason, rule, stage, offer, channel;

-- How many candidates came to each stage and how many ended there.
CREATE OR REPLACE VIEW funnel_by_stage AS
WITH ['trigger', 'eligibility', 'suitability', 'guardrail', 'contact', 'arbitration', 'placement', 'final_gate', 'offered']
     AS stages
SELECT day, offer, place, arrayElement(stages, place) AS stage,
       countIf(ended >= place) AS reached, countIf(ended = place AND stage != 'offered') AS stopped
FROM (SELECT toDate(decided_at) AS day, offer, indexOf(stages, stage) AS ended FROM decision_candidates)
ARRAY JOIN arrayEnumerate(stages) AS place
GROUP BY day, offer, place;

-- From offered to accepted, each decision counted once a step.
CREATE OR REPLACE VIEW offer_funnel AS
SELECT offer, sum(offered) AS offered, sum(sent) AS sent, sum(delivered) AS delivered, sum(failed) AS failed,
       sum(presented) AS presented, sum(clicked) AS clicked, sum(accepted) AS accepted, sum(dismissed) AS dismissed
FROM
(
    SELECT offer, uniqExact(decision_id) AS offered, 0 AS sent, 0 AS delivered, 0 AS failed,
           0 AS presented, 0 AS clicked, 0 AS accepted, 0 AS dismissed
    FROM decision_offers WHERE outcome = 'offered' GROUP BY offer
    UNION ALL
    SELECT offer, 0,
           uniqExactIf(decision_id, type = 'message.sent'), uniqExactIf(decision_id, type = 'message.delivered'),
           uniqExactIf(decision_id, type = 'message.failed'), uniqExactIf(decision_id, type = 'offer.presented'),
           uniqExactIf(decision_id, type = 'offer.clicked'), uniqExactIf(decision_id, type = 'offer.accepted'),
           uniqExactIf(decision_id, type = 'offer.dismissed')
    FROM outcomes GROUP BY offer
)
GROUP BY offer;
