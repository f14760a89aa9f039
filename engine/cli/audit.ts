/** `proffer audit`: who did what, and whether anybody changed the record of it. */
import { z } from 'zod'
import { answered } from './answered.ts'
import type { Client } from './client.ts'
import { table } from './print.ts'

const auditRecord = z.looseObject({
  number: z.number(),
  at: z.string(),
  who: z.string(),
  action: z.string(),
  subject: z.record(z.string(), z.unknown()),
  why: z.string(),
  reason: z.string().nullable(),
})
const auditPage = z.looseObject({ records: z.array(auditRecord) })
const verified = z.looseObject({
  records: z.number(),
  head: z.string(),
  intact: z.boolean(),
  broken: z.looseObject({ number: z.number(), offset: z.number(), why: z.string() }).nullable(),
})

export function showAudit(
  client: Client,
  { limit, before }: { readonly limit: number; readonly before?: number },
  isJson: boolean,
): Promise<number> {
  const from = before === undefined ? '' : `&before=${before}`
  return answered(client.get(`/v1/audit?limit=${limit}${from}`), auditPage, isJson, ({ records }) => [
    table(
      ['#', 'when', 'who', 'what', 'about', 'outcome', 'why'],
      records.map(({ number, at, who, action, subject, reason, why }) => [
        number,
        at,
        who,
        action,
        aboutOf(subject),
        outcomeOf(action, reason),
        why,
      ]),
    ),
  ])
}

/** Exit code 1 when the log is not what was written. */
export async function verifyAudit(client: Client, isJson: boolean): Promise<number> {
  const reply = await client.get('/v1/audit/verify')
  const code = await answered(Promise.resolve(reply), verified, isJson, ({ records, head, broken }) =>
    broken === null
      ? [`${records} records, each hangs on the one before it. The last is ${head}.`]
      : [`Broken at record ${broken.number} (offset ${broken.offset}): ${broken.why}. ${records} records are whole.`],
  )
  return code === 0 && verified.parse(reply.body).intact ? 0 : 1
}

/** A call that was turned away at the door is a record of its own: that it was kept is not that it was done. Nor is an activation that failed. */
function outcomeOf(action: string, reason: string | null): string {
  if (reason !== null) return `refused: ${reason}`
  if (action === 'activation_failed') return 'failed'
  return action === 'call_refused' ? 'refused: role_missing' : 'done'
}

/** What an action is about, short: the version, name, source or call. */
function aboutOf(subject: Readonly<Record<string, unknown>>): string {
  for (const key of ['version', 'source', 'call', 'name', 'hash']) {
    const value = subject[key]
    if (typeof value === 'number') return `version ${value}${subject['how'] === 'rollback' ? ' (roll-back)' : ''}`
    if (typeof value === 'string') return value.slice(0, 40)
  }
  return ''
}
