/** `proffer report distribution`: how offers are spread, over the history, as SQL that anybody may ask too. */
import { type Client, isRecord, problemText } from './client.ts'

export type DistributionOptions = {
  readonly days: number
  /** Attributes by whose groups offers are counted, as conditions name them: `profile.tier`. */
  readonly by: readonly string[]
  readonly json: boolean
}

/** Prints the report; exit code 1 when the history does not answer. */
export async function reportDistribution(client: Client, { days, by, json }: DistributionOptions): Promise<number> {
  const questions = [
    ['Offers made', `SELECT * FROM offers_made(days = ${days})`],
    [
      'Customers for whom an app asked and who got no offer',
      `SELECT mostly, count() AS customers, sum(asked) AS requests FROM customers_without_offers(days = ${days}) GROUP BY mostly ORDER BY customers DESC`,
    ],
    ...by.flatMap((attribute): readonly (readonly [string, string])[] => [
      // An attribute that the pack does not declare is recorded only where a rule happened to read it.
      [
        `Counted by ${attribute} (everybody, where the pack declares it under \`fairness\`)`,
        `SELECT pack_hash, uniqExactIf(customer_id, has(feature_names, '${attribute}')) AS customers_counted, uniqExact(customer_id) AS customers,
                countIf(has(feature_names, '${attribute}')) AS decisions_counted, count() AS decisions
         FROM decisions WHERE decided_at > (SELECT max(decided_at) FROM decisions) - toIntervalDay(${days}) GROUP BY pack_hash ORDER BY pack_hash`,
      ],
      [`Offers by ${attribute}`, `SELECT * FROM offers_by_group(days = ${days}, attribute = '${attribute}')`],
      [`Gini over ${attribute}`, `SELECT * FROM offers_gini(days = ${days}, attribute = '${attribute}')`],
    ]),
  ] as const
  for (const [title, query] of questions) {
    const reply = await client.post('/v1/sql', { query, format: json ? 'json' : 'table' })
    if (reply.status !== 200 || !isRecord(reply.body) || typeof reply.body['text'] !== 'string') {
      process.stderr.write(`${problemText(reply)}\n`)
      return 1
    }
    const text = reply.body['text'].trimEnd()
    if (json) {
      const rows: readonly unknown[] = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
      process.stdout.write(`${JSON.stringify({ title, query, rows })}\n`)
    } else process.stdout.write(`${title}, last ${days} days\n${text === '' ? '(none)' : text}\n\n`)
  }
  return 0
}
