import type { OutcomeModel } from '../../rules/model.ts'

/**
 * The statement that counts the outcomes of a model, a row for each offer and segment: `successes`, `failures`, `pending`, and
 * `asOf`, the newest event of the history in Unix milliseconds. See the README of this folder for what counts.
 *
 * @param model of a checked pack: its id and its event hold no quote
 * @param days how far back decisions are looked at, from the newest event on
 */
export function learnQuery({ id, outcome, windowMs }: OutcomeModel, days: number): string {
  return `WITH (SELECT max(accepted_at) FROM events) AS newest
SELECT offer, segment, countIf(won AND over) AS successes, countIf(NOT won AND over) AS failures,
       countIf(NOT over) AS pending, toUnixTimestamp64Milli(newest) AS asOf
FROM
(
    SELECT t.offer AS offer, t.segment AS segment, any(t.until) <= newest AS over,
           countIf(o.named != '' AND o.at >= t.decided_at AND o.at <= t.until AND (o.offer = '' OR o.offer = t.offer)) > 0 AS won
    FROM
    (
        SELECT decision_id, offer, decided_at, decided_at + toIntervalMillisecond(${windowMs}) AS until,
               substring(assumeNotNull(learned), ${id.length + 2}) AS segment
        FROM decision_candidates
        WHERE stage = 'offered' AND outcome = 'offered' AND startsWith(ifNull(learned, ''), '${id}/')
          AND decided_at >= newest - toIntervalDay(${days})
          AND customer_id NOT IN (SELECT customer_id FROM decision_candidates WHERE stage = 'holdout')
          AND decision_id NOT IN (SELECT decision_id FROM events WHERE type = 'message.failed')
    ) AS t
    LEFT JOIN
    (
        SELECT decision_id AS named, offer, event_time AS at FROM events WHERE type = '${outcome}' AND decision_id != ''
    ) AS o ON o.named = t.decision_id
    GROUP BY t.decision_id, offer, segment
)
GROUP BY offer, segment
ORDER BY offer, segment`
}
