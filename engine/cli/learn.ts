/** `proffer learn`: what offers are worth, learned from what became of them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type LearnedFatigue, printLearned } from '../../rules/learned-table.ts'
import type { Model } from '../../rules/model.ts'
import type { Config } from '../config.ts'
import { type LearnedRow, learnFromHistory } from '../learn/learn-from-history.ts'
import { type Client, ClientError, isRecord, problemText } from './client.ts'
import { packInForce } from './pack-in-force.ts'
import { instant, table } from './print.ts'

export type LearnOptions = {
  /** How far back decisions are looked at. */
  readonly days: number
  /** Where the table is written; undefined: `DATA_DIR/learned/<hash>.json`. */
  readonly out: string | undefined
  readonly json: boolean
}

/**
 * Learns for the version in force, prints what was learned, writes the table; exit code 1 when that version learns nothing.
 * @throws ClientError
 */
export async function learn(client: Client, config: Config, options: LearnOptions): Promise<number> {
  const pack = await packInForce(client, config)
  if (pack.model.models.length === 0 && pack.model.fatigue.length === 0) {
    process.stderr.write(
      'The pack learns nothing: give arbitration.yaml a model, and an offer `propensity: { learned }`.\n',
    )
    return 1
  }
  const { learned, rows } = await learnFromHistory(pack, options.days, (sql) => answerOf(client, sql))
  const file = options.out ?? join(config.DATA_DIR, 'learned', `${learned.hash.slice(0, 16)}.json`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, printLearned(learned))
  const { fatigue } = learned.table
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ file, hash: learned.hash, asOf: learned.table.asOf, rows, fatigue })}\n`)
    return 0
  }
  process.stdout.write(`${rows.length === 0 ? 'No offer with a learned propensity has left yet.' : tableOf(rows)}\n\n`)
  for (const tired of fatigue) process.stdout.write(`${alarmOf(pack.model, tired)}\n`)
  process.stdout.write(
    `Outcomes up to ${instant(learned.table.asOf)}. Written to ${file}, version ${learned.hash}\n` +
      `Start the engine with LEARNED=${file} to use it.\n`,
  )
  return 0
}

/** What a tired channel is told by, for people and for whatever watches the output. */
function alarmOf({ fatigue }: Model, { rule, recent, baseline, pass }: LearnedFatigue): string {
  const share = ({ sent, opened }: LearnedFatigue['recent']): string => `${((100 * opened) / sent).toFixed(1)} %`
  const channel = fatigue.find(({ id }) => id === rule)?.channel ?? ''
  return (
    `ALARM ${rule}: of ${recent.sent} messages by ${channel} ${share(recent)} were opened, of the ${baseline.sent} before ` +
    `${share(baseline)}. ${(100 * pass).toFixed(0)} % of its marketing goes out once this is in force.`
  )
}

async function answerOf(client: Client, query: string): Promise<string> {
  const reply = await client.post('/v1/sql', { query, format: 'json' })
  if (reply.status === 200 && isRecord(reply.body) && typeof reply.body['text'] === 'string') return reply.body['text']
  throw new ClientError(`The history cannot be asked: ${problemText(reply)}`)
}

function tableOf(rows: readonly LearnedRow[]): string {
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
  return table(
    ['model', 'offer', 'segment', 'trials', 'successes', 'pending', 'rate', 'give or take', ''],
    rows.map(({ model, offer, segment, successes, failures, pending, rate, belowFloor }) => [
      model,
      offer,
      segment,
      successes + failures,
      successes,
      pending,
      rate === null ? '' : percent(rate.mean),
      rate === null ? '' : percent(rate.deviation),
      rate === null ? 'not in the pack' : belowFloor ? 'below its floor' : '',
    ]),
  )
}
