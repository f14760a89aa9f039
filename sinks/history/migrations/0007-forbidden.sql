-- Whether an event counts as far as it matters who said it: what only our own door may bring and did not come through it does not.
ALTER TABLE events_raw ADD COLUMN IF NOT EXISTS trusted Bool DEFAULT true AFTER data;

CREATE OR REPLACE VIEW events AS
SELECT id, source, type, customer_id, event_time, accepted_at, via, consent_id, amount_minor, currency, category, channel,
       placement, offer, decision_id, data, trusted, log_partition, log_offset
FROM events_raw FINAL;

-- What the rule packs forbid, written when one is put in force. Bounded by the packs there were.
CREATE TABLE IF NOT EXISTS packs_raw
(
    pack_hash     String,
    since         Int64,
    unjudged      Array(String),
    registered_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY registered_at;

CREATE TABLE IF NOT EXISTS pack_offers_raw
(
    pack_hash       String,
    offer           String,
    category        LowCardinality(String),
    class           LowCardinality(String),
    grade_variable  LowCardinality(String),
    grades_allowed  Array(Float64),
    unknown_allowed Bool,
    registered_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(registered_at)
ORDER BY (pack_hash, offer);

CREATE TABLE IF NOT EXISTS pack_guards_raw
(
    pack_hash       String,
    guardrail       LowCardinality(String),
    reason          LowCardinality(String),
    category        LowCardinality(String),
    class           LowCardinality(String),
    channel         LowCardinality(String),
    role            LowCardinality(String),
    role_ms         Int64,
    conditions      Array(Array(Tuple(String, Array(Tuple(Float64, Float64, UInt8, UInt8))))),
    allows          Array(Array(Tuple(String, Array(Tuple(Float64, Float64, UInt8, UInt8))))),
    allows_unjudged Bool,
    registered_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(registered_at)
ORDER BY (pack_hash, category, class, channel, guardrail);

CREATE TABLE IF NOT EXISTS pack_suppressions_raw
(
    pack_hash     String,
    guardrail     LowCardinality(String),
    effect        LowCardinality(String),
    type          LowCardinality(String),
    conditions    Array(Array(Tuple(String, Array(String), UInt8, Array(Tuple(Float64, Float64, UInt8, UInt8))))),
    for_ms        Int64,
    lateness_ms   Int64,
    definition    String,
    since         Int64,
    registered_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(registered_at)
ORDER BY (pack_hash, guardrail, effect, type, definition);

CREATE OR REPLACE VIEW pack_offers AS
SELECT pack_hash, offer, category, class, grade_variable, grades_allowed, unknown_allowed FROM pack_offers_raw FINAL;

CREATE OR REPLACE VIEW pack_guards AS
SELECT pack_hash, guardrail, reason, category, class, channel, role, role_ms, conditions, allows, allows_unjudged
FROM pack_guards_raw FINAL;

CREATE OR REPLACE VIEW pack_suppressions AS
SELECT pack_hash, guardrail, effect, type, conditions, for_ms, lateness_ms, definition, since
FROM pack_suppressions_raw FINAL;

-- Events that set or lifted suppressions, a row for each rule they fit. `began` is when the engine counts them as having
-- happened: a time more than 5 seconds after arrival is a wrong clock, a lift holds from its arrival on at the latest, what is 14
-- hours ahead is refused, and a lift that came too late lifts nothing.
CREATE OR REPLACE VIEW suppression_events AS
SELECT s.pack_hash AS pack_hash, s.guardrail AS guardrail, s.effect AS effect, s.for_ms AS for_ms,
       e.customer_id AS customer_id, e.id AS event_id, e.source AS event_source,
       toUnixTimestamp64Milli(e.event_time) AS said, toUnixTimestamp64Milli(e.accepted_at) AS accepted,
       if(s.effect = 'lift', least(said, accepted), if(said > accepted + 5000, accepted, said)) AS began
FROM pack_suppressions AS s
INNER JOIN (SELECT * FROM events WHERE trusted) AS e ON e.type = s.type
WHERE accepted >= s.since
  AND said <= accepted + 50400000
  AND (s.effect = 'set' OR said >= accepted - s.lateness_ms)
  AND arrayExists(
        conjunction -> arrayAll(
          f -> if(empty(f.4),
                  has(f.2, JSONExtractString(e.data, f.1)) = (f.3 = 0),
                  arrayExists(
                    value -> arrayExists(
                      r -> (value > r.1 OR (value = r.1 AND r.3 = 0)) AND (value < r.2 OR (value = r.2 AND r.4 = 0)), f.4),
                    [if(JSONType(e.data, f.1) = 'Bool', toFloat64(JSONExtractBool(e.data, f.1)), JSONExtractFloat(e.data, f.1))])),
          conjunction),
        s.conditions);

-- Each offer that left, beside each guardrail that held it: whether its condition may have held by what the decision itself
-- recorded, and whether an allow of the pack must have opened it.
CREATE OR REPLACE VIEW guarded_offers AS
SELECT d.id AS decision_id, d.customer_id AS customer_id, d.decided_at AS decided_at,
       toUnixTimestamp64Milli(d.decided_at) AS decided, toUnixTimestamp64Milli(d.accepted_at) AS accepted,
       d.cause_kind AS cause_kind, d.cause_source AS cause_source, d.cause_id AS cause_id,
       d.placement AS placement, d.channel AS channel, d.pack_hash AS pack_hash, d.offer AS offer, o.category AS category,
       g.guardrail AS guardrail, g.reason AS reason, g.role AS role, g.role_ms AS role_ms,
       arrayExists(
         conjunction -> arrayAll(
           b -> arrayExists(
                  f -> f.1 = b.1 AND arrayExists(r -> (f.2 < r.2 OR (f.2 = r.2 AND r.4 = 0))
                                                      AND (f.3 > r.1 OR (f.3 = r.1 AND r.3 = 0)), b.2),
                  arrayZip(d.feature_names, d.feature_los, d.feature_his)),
           conjunction),
         g.conditions) AS may_hold,
       g.role != '' AND (g.allows_unjudged OR arrayExists(
         conjunction -> arrayAll(
           b -> arrayExists(
                  f -> f.1 = b.1 AND arrayExists(r -> (f.2 > r.1 OR (f.2 = r.1 AND r.3 = 0))
                                                      AND (f.3 < r.2 OR (f.3 = r.2 AND r.4 = 0)), b.2),
                  arrayZip(d.feature_names, d.feature_los, d.feature_his)),
           conjunction),
         g.allows)) AS allowed
FROM (SELECT *, offer FROM decisions ARRAY JOIN offer_ids AS offer) AS d
INNER JOIN pack_offers AS o ON o.pack_hash = d.pack_hash AND o.offer = d.offer
INNER JOIN pack_guards AS g
  ON g.pack_hash = d.pack_hash AND g.category = o.category AND g.class = o.class AND g.channel = d.channel;

-- Decisions that left although the rules of their pack forbade them, by recorded facts alone: what came in, what the decision
-- says it knew, what the pack says. Always empty. An event is held against a decision that it must have been counted before: for
-- one that an event caused, everything accepted before that event; for a live request, everything accepted a minute before, as
-- an engine further behind answers only with what is safe.
CREATE OR REPLACE VIEW forbidden_decisions AS
WITH overrides AS
(
    SELECT customer_id, JSONExtractString(data, 'guardrail') AS guardrail,
           groupArray((least(toUnixTimestamp64Milli(event_time), toUnixTimestamp64Milli(accepted_at)),
                       toUnixTimestamp64Milli(accepted_at), JSONExtractInt(data, 'until'),
                       JSONExtractString(data, 'role'), JSONExtractBool(data, 'revoked'))) AS given
    FROM events WHERE type = 'guardrail.overridden' AND trusted
    GROUP BY customer_id, guardrail
),
stretches AS
(
    SELECT pack_hash, guardrail, customer_id,
           groupArrayIf((began, began + for_ms, accepted, event_source, event_id), effect = 'set') AS sets,
           groupArrayIf((began, accepted), effect = 'lift') AS lifts
    FROM suppression_events
    GROUP BY pack_hash, guardrail, customer_id
),
joined AS
(
    SELECT g.decision_id AS decision_id, g.customer_id AS customer_id, g.decided_at AS decided_at, g.decided AS decided,
           g.accepted AS accepted, g.cause_kind AS cause_kind, g.cause_source AS cause_source, g.cause_id AS cause_id,
           g.placement AS placement, g.channel AS channel, g.pack_hash AS pack_hash, g.offer AS offer,
           g.category AS category, g.guardrail AS guardrail, g.reason AS reason, g.role AS role, g.role_ms AS role_ms,
           g.may_hold AS may_hold, g.allowed AS allowed, s.sets AS sets, s.lifts AS lifts, v.given AS given
    FROM guarded_offers AS g
    LEFT JOIN stretches AS s
      ON s.pack_hash = g.pack_hash AND s.guardrail = g.guardrail AND s.customer_id = g.customer_id
    LEFT JOIN overrides AS v ON v.guardrail = g.guardrail AND v.customer_id = g.customer_id
),
judged AS
(
    SELECT *,
           arrayFilter(
             e -> e.1 <= decided AND decided < e.2
                  AND if(cause_kind = 'event', e.3 < accepted OR (e.4 = cause_source AND e.5 = cause_id),
                         e.3 + 60000 <= decided)
                  AND NOT arrayExists(l -> l.1 > e.1 AND l.2 <= decided, lifts),
             sets) AS running,
           role != '' AND arrayExists(
             o -> NOT o.5 AND o.4 = role AND o.1 <= decided AND decided < o.3 AND o.3 - o.1 <= role_ms
                  AND NOT arrayExists(r -> r.5 AND r.1 >= o.1 AND r.2 + 60000 <= decided, given)
                  AND NOT arrayExists(e -> e.3 >= o.1 AND e.3 + 60000 <= decided, sets),
             given) AS overridden
    FROM joined
)
SELECT decision_id, customer_id, decided_at, placement, channel, offer, category, 'condition' AS why, guardrail, reason,
       '' AS event_id, pack_hash
FROM judged WHERE may_hold AND NOT allowed AND NOT overridden
UNION ALL
SELECT decision_id, customer_id, decided_at, placement, channel, offer, category, 'suppression', guardrail, reason,
       running[1].5, pack_hash
FROM judged WHERE notEmpty(running) AND NOT allowed AND NOT overridden
UNION ALL
SELECT d.id, d.customer_id, d.decided_at, d.placement, d.channel, d.offer, o.category, 'suitability', '',
       'unsuitable_risk_grade', '', d.pack_hash
FROM (SELECT *, offer FROM decisions ARRAY JOIN offer_ids AS offer) AS d
INNER JOIN pack_offers AS o ON o.pack_hash = d.pack_hash AND o.offer = d.offer
WHERE arrayExists(f -> f.1 = o.grade_variable AND NOT if(f.2 = f.3, has(o.grades_allowed, f.2), o.unknown_allowed),
                  arrayZip(d.feature_names, d.feature_los, d.feature_his))
UNION ALL
SELECT id, customer_id, decided_at, placement, channel, offer, '', 'dropped', '', '', '', pack_hash
FROM (SELECT *, offer FROM decisions ARRAY JOIN offer_ids AS offer)
WHERE outcome = 'offered'
  AND NOT arrayExists((f, s) -> f = offer AND s = 'offered', fate_offers, fate_stages);
