-- What a candidate version would have decided on live traffic, beside what the pack in force decides under the same assumptions: a row for each
-- decision of either. Nothing of it ever left. outcome '': the version makes no such decision; current_outcome '': the pack in force makes none.
CREATE TABLE IF NOT EXISTS shadow_decisions_raw
(
    run                 LowCardinality(String),
    id                  String CODEC(ZSTD(1)),
    customer_id         String CODEC(ZSTD(1)),
    placement           LowCardinality(String),
    channel             LowCardinality(String),
    version             LowCardinality(String),
    pack_hash           LowCardinality(String),
    accepted_at         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decided_at          DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    outcome             LowCardinality(String),
    reason              LowCardinality(String),
    offer_ids           Array(LowCardinality(String)),
    fate_offers         Array(LowCardinality(String)),
    fate_stages         Array(LowCardinality(String)),
    fate_reasons        Array(LowCardinality(String)),
    fate_rules          Array(LowCardinality(String)),
    current_outcome     LowCardinality(String),
    current_reason      LowCardinality(String),
    current_offer_ids   Array(LowCardinality(String)),
    current_fate_offers  Array(LowCardinality(String)),
    current_fate_stages  Array(LowCardinality(String)),
    current_fate_reasons Array(LowCardinality(String)),
    current_fate_rules   Array(LowCardinality(String)),
    inserted_at         DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(inserted_at)
ORDER BY (run, toDate(decided_at), customer_id, id)
SETTINGS ttl_only_drop_parts = 1;

CREATE OR REPLACE VIEW shadow_decisions AS
SELECT * EXCEPT (inserted_at) FROM shadow_decisions_raw FINAL;

-- A day and an offer: how often each of both made it, and customers who got it that day from one of them alone.
CREATE OR REPLACE VIEW shadow_offers AS
SELECT run, version, day, offer, sum(current) AS made_current, sum(next) AS made_version,
       countIf(next > 0 AND current = 0) AS gained, countIf(current > 0 AND next = 0) AS lost
FROM (
    SELECT run, version, toDate(decided_at) AS day, customer_id, offer, countIf(side = 'current') AS current, countIf(side = 'version') AS next
    FROM (
        SELECT run, version, decided_at, customer_id, 'version' AS side, arrayJoin(offer_ids) AS offer
        FROM shadow_decisions WHERE outcome = 'offered'
        UNION ALL
        SELECT run, version, decided_at, customer_id, 'current' AS side, arrayJoin(current_offer_ids) AS offer
        FROM shadow_decisions WHERE current_outcome = 'offered'
    )
    GROUP BY run, version, day, customer_id, offer
)
GROUP BY run, version, day, offer;

-- A day, and where candidates ended that were not offered: how many under each of both.
CREATE OR REPLACE VIEW shadow_refusals AS
SELECT run, version, day, stage, reason, rule, countIf(side = 'current') AS current, countIf(side = 'version') AS next
FROM (
    SELECT run, version, toDate(decided_at) AS day, 'version' AS side, stage, reason, rule
    FROM shadow_decisions ARRAY JOIN fate_stages AS stage, fate_reasons AS reason, fate_rules AS rule
    UNION ALL
    SELECT run, version, toDate(decided_at) AS day, 'current' AS side, stage, reason, rule
    FROM shadow_decisions ARRAY JOIN current_fate_stages AS stage, current_fate_reasons AS reason, current_fate_rules AS rule
)
WHERE stage != 'offered'
GROUP BY run, version, day, stage, reason, rule;
