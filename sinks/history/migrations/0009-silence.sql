-- Occasions to write to a customer: a trigger and the decision it proposed offers for, with what became of the candidate that came
-- furthest (then the higher score, then the first of the record). `made`: a message of this trigger left. What quiet hours held or sent
-- to another placement is an occasion again there or then; `released` tells those. What does not fit a placement never entered the funnel.
CREATE OR REPLACE VIEW contact_occasions AS
WITH ['trigger', 'eligibility', 'suitability', 'guardrail', 'contact', 'stock', 'holdout', 'arbitration', 'placement', 'final_gate', 'offered']
     AS stages
SELECT decision_id, customer_id, decided_at, placement, channel, pack_hash, released, `trigger`,
       tupleElement(best, 1) AS offer, tupleElement(best, 2) AS stage, tupleElement(best, 3) AS reason,
       tupleElement(best, 4) AS rule, stage = 'offered' AS made
FROM
(
    SELECT id AS decision_id, any(customer_id) AS customer_id, any(decided_at) AS decided_at, any(placement) AS placement,
           any(channel) AS channel, any(pack_hash) AS pack_hash,
           any(cause_source = 'proffer' AND cause_type = 'hold.released') AS released,
           assumeNotNull(fate_trigger) AS `trigger`,
           argMax((fate_offer, fate_stage, fate_reason, fate_rule),
                  (if(fate_reason IN ('channel_mismatch', 'content_type_mismatch'), 0, indexOf(stages, fate_stage)),
                   fate_score, -toInt32(place))) AS best
    FROM decisions
    ARRAY JOIN fate_offers AS fate_offer, fate_triggers AS fate_trigger, fate_stages AS fate_stage,
               fate_reasons AS fate_reason, fate_rules AS fate_rule, fate_scores AS fate_score,
               arrayEnumerate(fate_offers) AS place
    WHERE fate_trigger IS NOT NULL
    GROUP BY decision_id, `trigger`
);

-- Silence: what would have been a contact and was not, by the reason of the candidate that came furthest.
CREATE OR REPLACE VIEW silence_by_reason AS
SELECT toDate(decided_at) AS day, placement, channel, reason,
       count() AS withheld, uniqExact(customer_id) AS customers
FROM contact_occasions
WHERE NOT made
GROUP BY day, placement, channel, reason;

-- What became of what left, and whether it came after the offer had expired (`not_after`); a time more than 5 seconds after arrival is a wrong clock.
CREATE OR REPLACE VIEW outcomes AS
SELECT e.decision_id AS decision_id, e.type AS type, e.event_time AS at, e.customer_id AS customer_id,
       if(e.offer = '', arrayElement(d.offer_ids, 1), e.offer) AS offer,
       if(e.placement = '', d.placement, e.placement) AS placement,
       if(e.channel = '', d.channel, e.channel) AS channel,
       d.id != '' AS decision_known, d.decided_at AS decided_at, d.outcome AS decision_outcome,
       d.pack_hash AS pack_hash, e.source AS source, e.id AS event_id,
       d.not_after AS not_after, ifNull(if(at > addSeconds(e.accepted_at, 5), e.accepted_at, at) > not_after, false) AS after_expiry
FROM (SELECT * FROM events WHERE startsWith(type, 'offer.') OR startsWith(type, 'message.')) AS e
LEFT ANY JOIN
(SELECT id, placement, channel, decided_at, outcome, pack_hash, offer_ids, not_after FROM decisions) AS d
ON d.id = e.decision_id;
