-- By which channels customers meet the offers of a category, a row for each day: how many offers left there, to how many customers, and the share of
-- the channel in all offers of the category that day. What the app showed counts as what was sent; safe defaults do not.
CREATE OR REPLACE VIEW channel_mix AS
SELECT day, category, channel, offers, customers, offers / sum(offers) OVER (PARTITION BY day, category) AS share
FROM
(
    SELECT toDate(d.decided_at) AS day, o.category AS category, d.channel AS channel,
           count() AS offers, uniqExact(d.customer_id) AS customers
    FROM (SELECT * FROM decision_offers WHERE outcome = 'offered') AS d
    INNER JOIN pack_offers AS o ON o.pack_hash = d.pack_hash AND o.offer = d.offer
    GROUP BY day, category, channel
);
