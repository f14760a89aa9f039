/** `proffer shadow`: begins, shows, tells and ends the shadow of a node. */
import type { ShadowStatus } from '../shadow/shadow-runner.ts'
import { type Client, type ClientReply, isRecord, problemText } from './client.ts'
import { readPackArgument } from './pack-argument.ts'
import { type Cell, instant, table } from './print.ts'
import { refusedPackText } from './refused-pack.ts'

/** Begins one; exit code 1 when its pack is refused, with its problems. */
export async function startShadow(client: Client, pack: string, asJson: boolean): Promise<number> {
  const argument = await readPackArgument(client, pack)
  if (argument === null) return 2
  const reply = await client.post('/v1/shadow', argument)
  if (reply.status !== 200 && !asJson) process.stdout.write(refusedPackText(reply.body, pack))
  return show(reply, asJson)
}

export async function showShadow(client: Client, asJson: boolean): Promise<number> {
  return show(await client.get('/v1/shadow'), asJson)
}

export async function stopShadow(client: Client, asJson: boolean): Promise<number> {
  return show(await client.post('/v1/shadow/stop', {}), asJson)
}

/** Who gains and loses so far, by day; exit code 1 when there is nothing to tell. */
export async function reportShadow(client: Client, asJson: boolean): Promise<number> {
  const reply = await client.get('/v1/shadow/report')
  if (reply.status !== 200 || asJson) return show(reply, asJson)
  const { body } = reply
  if (!isRecord(body) || !isStatus(body)) return show(reply, asJson)
  process.stdout.write(
    [
      statusText(body),
      '',
      'Offers',
      lines(Object(body).offers, ['day', 'offer', 'made_current', 'made_version', 'gained', 'lost']),
      '',
      'Refused candidates',
      lines(Object(body).refusals, ['day', 'stage', 'reason', 'rule', 'current', 'next']),
      '',
    ].join('\n'),
  )
  return 0
}

function show(reply: ClientReply, asJson: boolean): number {
  if (reply.status !== 200) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else if (isStatus(reply.body)) process.stdout.write(`${statusText(reply.body)}\n`)
  return 0
}

function isStatus(value: unknown): value is ShadowStatus {
  return isRecord(value) && typeof value['run'] === 'string' && typeof value['state'] === 'string'
}

function statusText(status: ShadowStatus): string {
  const { state, version, by, startedAt, lagMs, decisions, differences, sentence } = status
  const lag = lagMs === null ? '' : `, ${(lagMs / 1_000).toFixed(1)} s behind`
  const head = `Shadow of ${version.slice(0, 12)} by ${by} since ${instant(startedAt)}: ${state}${lag}`
  const counts = `${decisions.toLocaleString('en-US')} decisions of the version; ${differences.toLocaleString('en-US')} times it and the pack in force did not decide the same, those that only one of them made among them. Nothing of it leaves.`
  return [head, counts, ...(sentence === null ? [] : [sentence])].join('\n')
}

function lines(rows: unknown, columns: readonly string[]): string {
  const list = Array.isArray(rows) ? rows.filter(isRecord) : []
  const cell = (value: unknown): Cell => (typeof value === 'number' ? value : String(value ?? ''))
  return list.length === 0
    ? 'Nothing so far.'
    : table(
        columns,
        list.map((row) => columns.map((column) => cell(row[column]))),
      )
}
