-- How offers are spread: over offers and categories, over customers who got none, and over groups of an attribute that the pack declares
-- (`fairness` of pack.yaml: its decisions then record the attribute whether or not a rule read it). `days`: of the days before the newest decision.

-- Offers that were made, by pack, category and offer. The category is that of the pack, empty where the pack was never registered.
CREATE OR REPLACE VIEW offers_made AS
SELECT d.pack_hash AS pack_hash, p.category AS category, d.offer AS offer, d.made AS made, d.customers AS customers
FROM
(
    SELECT pack_hash, offer, count() AS made, uniqExact(customer_id) AS customers
    FROM decisions ARRAY JOIN offer_ids AS offer
    WHERE outcome = 'offered' AND decided_at > (SELECT max(decided_at) FROM decisions) - toIntervalDay({days:UInt16})
    GROUP BY pack_hash, offer
) AS d
LEFT JOIN pack_offers AS p ON p.pack_hash = d.pack_hash AND p.offer = d.offer
ORDER BY pack_hash, category, offer;

-- A customer for whom an app asked and who got nothing but fallbacks: how often it asked, and the reason that was given most.
CREATE OR REPLACE VIEW customers_without_offers AS
SELECT customer_id, countIf(cause_kind = 'request') AS asked, topKIf(1)(reason, cause_kind = 'request')[1] AS mostly
FROM decisions
WHERE decided_at > (SELECT max(decided_at) FROM decisions) - toIntervalDay({days:UInt16})
GROUP BY customer_id
HAVING asked > 0 AND countIf(outcome = 'offered') = 0
ORDER BY customer_id;

-- Offers by group, for each pack: a customer belongs to the group of their newest decision under it. Values are codes as recorded; `unknown` is a group.
CREATE OR REPLACE VIEW offers_by_group AS
SELECT pack_hash, grp AS value, count() AS customers, sum(made) AS offers, sum(made) / count() AS per_customer
FROM
(
    SELECT pack_hash, customer_id, argMax(value, (decided_at, id)) AS grp, sum(offered) AS made
    FROM
    (
        SELECT pack_hash, customer_id, decided_at, id, if(outcome = 'offered', length(offer_ids), 0) AS offered,
               indexOf(feature_names, {attribute:String}) AS place,
               if(feature_los[place] = feature_his[place], toString(feature_los[place]), 'unknown') AS value
        FROM decisions
        WHERE has(feature_names, {attribute:String})
          AND decided_at > (SELECT max(decided_at) FROM decisions) - toIntervalDay({days:UInt16})
    )
    GROUP BY pack_hash, customer_id
)
GROUP BY pack_hash, grp
ORDER BY pack_hash, value;

-- Gini coefficient of offers per customer over these groups, each weighted by its customers: 0, every group gets the same; towards 1, one gets all.
CREATE OR REPLACE VIEW offers_gini AS
SELECT pack_hash, length(spread) AS groups, arraySum(s -> s.1, spread) AS customers,
       arraySum(s -> s.1 * s.2, spread) AS offers,
       if(offers = 0, 0, arraySum(a -> arraySum(b -> a.1 * b.1 * abs(a.2 - b.2), spread), spread) / (2 * customers * offers)) AS gini
FROM
(
    SELECT pack_hash, groupArray((toFloat64(size), made / size)) AS spread
    FROM
    (
        SELECT pack_hash, grp, count() AS size, sum(mine) AS made
        FROM
        (
            SELECT pack_hash, customer_id, argMax(value, (decided_at, id)) AS grp, sum(offered) AS mine
            FROM
            (
                SELECT pack_hash, customer_id, decided_at, id, if(outcome = 'offered', length(offer_ids), 0) AS offered,
                       indexOf(feature_names, {attribute:String}) AS place,
                       if(feature_los[place] = feature_his[place], toString(feature_los[place]), 'unknown') AS value
                FROM decisions
                WHERE has(feature_names, {attribute:String})
                  AND decided_at > (SELECT max(decided_at) FROM decisions) - toIntervalDay({days:UInt16})
            )
            GROUP BY pack_hash, customer_id
        )
        GROUP BY pack_hash, grp
    )
    GROUP BY pack_hash
)
ORDER BY pack_hash;
