/** What must hold at the end, whatever happened to the nodes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Operator } from './ask-nodes.ts'
import type { Totals } from './traffic.ts'

export type NodesCheck = { readonly text: string; readonly holds: boolean }

export type Accounts = {
  readonly checks: readonly NodesCheck[]
  readonly accepted: number
  readonly decisions: number
  /** Records on the topic, of which some may be there twice. */
  readonly records: number
}

const TailPage = z.object({ cursor: z.string(), decisions: z.array(z.looseObject({ id: z.string() })) })
const SqlAnswer = z.object({ text: z.string() })
const withinMs = 60_000
const looksMax = 5

/**
 * Waits until everything is counted and compares what was sent with what every part says. Where decisions come while it looks, as when
 * quiet hours end and what waited is let go, it looks again.
 */
export async function settleAccounts(operator: Operator, sent: Totals, history: boolean): Promise<Accounts> {
  let seen = await lookAt(operator, sent, history)
  for (let again = 0; seen.moved && again < looksMax; again++) seen = await lookAt(operator, sent, history)
  const { totals, records, contents, inHistory } = seen
  const twoContents = [...contents.values()].filter((texts) => texts.size > 1).length
  const checks: NodesCheck[] = [
    { text: 'every event was acknowledged', holds: sent.eventsUnanswered === 0 },
    { text: 'every request was answered', holds: sent.requestsUnanswered === 0 },
    {
      text: `each of ${sent.eventsSent} events counted once (${totals.duplicates} came twice, sent again after a failure)`,
      holds: totals.accepted === sent.eventsSent,
    },
    {
      text: `${totals.decisions} decisions committed, ${contents.size} published, ${records - contents.size} of them twice, ${twoContents} with two contents`,
      holds: twoContents === 0 && contents.size === totals.decisions,
    },
  ]
  if (inHistory !== null) {
    checks.push({ text: `ClickHouse has ${inHistory} decisions`, holds: inHistory === contents.size })
  }
  return { checks, accepted: totals.accepted, decisions: contents.size, records }
}

/** One look at every part; whether decisions were made meanwhile, so that the parts cannot agree. */
async function lookAt(operator: Operator, sent: Totals, history: boolean) {
  const before = await countedTotals(operator, sent)
  const { records, contents } = await readTopic(operator)
  const inHistory = history ? await countedInHistory(operator, contents.size) : null
  const totals = await countedTotals(operator, sent)
  return { totals, records, contents, inHistory, moved: totals.decisions !== before.decisions }
}

async function countedTotals(operator: Operator, sent: Totals) {
  const until = performance.now() + withinMs
  for (;;) {
    const overview = await operator.overview()
    const totals = overview?.totals ?? { accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 }
    if (totals.accepted >= sent.eventsSent || performance.now() > until) return totals
    await sleep(200)
  }
}

/** Every record of the decisions topic, through the tail as a gateway reads it; twice, until nothing is added. */
async function readTopic(operator: Operator) {
  const contents = new Map<string, Set<string>>()
  let records = 0
  let cursor = 'start'
  for (let empty = 0; empty < 8; ) {
    const page = TailPage.parse(await operator.get(`/v1/tail?limit=1000&cursor=${cursor}`))
    for (const decision of page.decisions) {
      records++
      const texts = contents.get(decision.id) ?? new Set()
      contents.set(decision.id, texts.add(JSON.stringify(decision)))
    }
    cursor = page.cursor
    if (page.decisions.length > 0) continue
    // What was committed last leaves within a second.
    empty++
    await sleep(250)
  }
  return { records, contents }
}

async function countedInHistory(operator: Operator, expected: number): Promise<number> {
  const until = performance.now() + withinMs
  for (;;) {
    const answer = await operator.post('/v1/sql', { query: 'SELECT count() AS n FROM decisions', format: 'csv' })
    const count = Number(/\d+/.exec(SqlAnswer.safeParse(answer).data?.text.split('\n')[1] ?? '')?.[0] ?? 0)
    if (count >= expected || performance.now() > until) return count
    await sleep(500)
  }
}
