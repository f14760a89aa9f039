/** Whether customers have stopped opening what comes on a channel. */
import { z } from 'zod'
import type { LearnedFatigue } from '../../rules/learned-table.ts'
import type { FatigueModel } from '../../rules/model.ts'

/** Fewer messages than this in one of the two times say nothing. */
export const messagesMin = 100
/** One-sided 99 %: a rate this many deviations below is not there by chance. */
const deviations = 2.326

export const openedRow = z.object({
  recentSent: z.number(),
  recentOpened: z.number(),
  baselineSent: z.number(),
  baselineOpened: z.number(),
})

/**
 * The statement that counts a channel's messages with marketing, and how many were opened in time: those of `recentMs` that are over,
 * and those of `baselineMs` before. Messages that failed count nowhere. As of the newest event of the history.
 */
export function fatigueQuery({ channel, opened, withinMs, recentMs, baselineMs }: FatigueModel): string {
  return `WITH (SELECT max(accepted_at) FROM events) AS newest,
     newest - toIntervalMillisecond(${withinMs}) AS over,
     over - toIntervalMillisecond(${recentMs}) AS recent_from
SELECT countIf(decided_at > recent_from) AS recentSent, countIf(decided_at > recent_from AND seen) AS recentOpened,
       countIf(decided_at <= recent_from) AS baselineSent, countIf(decided_at <= recent_from AND seen) AS baselineOpened
FROM
(
    SELECT any(d.decided_at) AS decided_at,
           countIf(o.named != '' AND o.at >= d.decided_at AND o.at <= d.decided_at + toIntervalMillisecond(${withinMs})) > 0 AS seen
    FROM
    (
        SELECT id, decided_at FROM decisions
        WHERE channel = '${channel}' AND outcome = 'offered' AND has(contact_classes, 'marketing')
          AND decided_at <= over AND decided_at > recent_from - toIntervalMillisecond(${baselineMs})
          AND id NOT IN (SELECT decision_id FROM events WHERE type = 'message.failed')
    ) AS d
    LEFT JOIN
    (
        SELECT decision_id AS named, event_time AS at FROM events WHERE type = '${opened}' AND decision_id != ''
    ) AS o ON o.named = d.id
    GROUP BY d.id
)`
}

/**
 * The channel as it stands: null while it is not tired. It is when the share opened lately is less than `collapse` of the share
 * before, by more than chance explains: a one-sided test at 1 % of the difference of two shares (the earlier one scaled), by the
 * normal approximation.
 */
export function fatigueOf(rule: FatigueModel, counts: z.infer<typeof openedRow>): LearnedFatigue | null {
  const recent = { sent: counts.recentSent, opened: counts.recentOpened }
  const baseline = { sent: counts.baselineSent, opened: counts.baselineOpened }
  if (recent.sent < messagesMin || baseline.sent < messagesMin) return null
  const now = recent.opened / recent.sent
  const then = baseline.opened / baseline.sent
  const variance = (now * (1 - now)) / recent.sent + (rule.collapse ** 2 * then * (1 - then)) / baseline.sent
  const isTired = rule.collapse * then - now > deviations * Math.sqrt(variance)
  return isTired ? { rule: rule.id, recent, baseline, pass: rule.pass } : null
}
