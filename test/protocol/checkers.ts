/** What must hold of a whole run, whatever broke in it. Each checker returns what it found wrong. */
import { released } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { contentOf, type Evidence, publishedDecisions, type Seen } from './evidence.ts'
import { type Pass, passOverLog, seenInStore } from './plain-pass.ts'

/** Every record of the log counts once and leads to its decisions, as in one run without interruption over the same log. */
export function equalsPlainPass(evidence: Evidence): string[] {
  const pass = passOverLog(evidence)
  return [...countersEqual(evidence, pass), ...decisionsAreOut(evidence, pass)]
}

function countersEqual(evidence: Evidence, pass: Pass): string[] {
  const found: string[] = []
  for (const [partition, records] of evidence.events.entries()) {
    const meta = evidence.metas[partition]
    const total = (meta?.accepted ?? 0) + (meta?.duplicates ?? 0) + (meta?.deadLettered ?? 0)
    if (total !== records.length) found.push(`partition ${partition} counted ${total} of ${records.length} records`)
  }
  const stored = seenInStore(evidence)
  for (const [customerId, seen] of pass.seen) {
    const [inLog, inStore] = [wordsOf(seen), wordsOf(stored.get(customerId))]
    const wrong = inStore.filter((word) => !inLog.includes(word))
    const missing = inLog.filter((word) => !inStore.includes(word))
    if (wrong.length + missing.length > 0) found.push(`${customerId} differs: ${wrong.join()} is not ${missing.join()}`)
  }
  return found
}

/** No decision is lost, and none is made of nothing. */
function decisionsAreOut(evidence: Evidence, { decisions }: Pass): string[] {
  const published = publishedDecisions(evidence).filter(
    ({ cause, recalls }) => cause.kind === 'event' && recalls.length === 0,
  )
  const out = new Set(published.map(({ id }) => id))
  const lost = [...decisions].filter((id) => !out.has(id)).map((id) => `decision ${id} was lost`)
  // What had waited was caused by a decision, which is on the topic too.
  const waited = new Set(
    published.filter(({ cause }) => cause.type === released.type && out.has(cause.id)).map(({ id }) => id),
  )
  const unfounded = [...out]
    .filter((id) => !decisions.has(id) && !waited.has(id))
    .map((id) => `decision ${id} has no cause in the log`)
  return [...lost, ...unfounded]
}

function wordsOf(seen: Seen | undefined): readonly string[] {
  if (seen === undefined) return []
  const features = seen.variables.map(({ name, value }) => `${name}=${value}`)
  return [...features, ...seen.suppressions.map(({ guardrail, until }) => `${guardrail} until ${until}`)]
}

/** One id, one content. */
export function oneContentAnId({ decisions }: Evidence): string[] {
  const contents = new Map<string, string>()
  const found: string[] = []
  for (const { value } of decisions.flat()) {
    const decision = decodeDecision(value)
    const before = contents.get(decision.id)
    if (before !== undefined && before !== contentOf(value)) found.push(`decision ${decision.id} has two contents`)
    contents.set(decision.id, contentOf(value))
  }
  return found
}

/** A request that was answered with a reserved offer is found on the topic, and its repeats gave the same. */
export function answersAreKept(evidence: Evidence): string[] {
  const ids = new Set(publishedDecisions(evidence).map(({ id }) => id))
  const offers = new Map<string, string>()
  const found: string[] = []
  for (const { id, committed, reason, offers: given } of evidence.answers) {
    if (committed && !ids.has(id)) found.push(`answer ${id} is not on the topic`)
    const isKept = committed || reason === 'repeated_request'
    const text = given.join()
    if (isKept && (offers.get(id) ?? text) !== text) found.push(`request ${id} had two answers`)
    if (isKept) offers.set(id, text)
  }
  return found
}

/** Per customer the order of the topic is that of the commits, once repeats are dropped. */
export function orderHolds({ decisions }: Evidence): string[] {
  const found: string[] = []
  for (const records of decisions) {
    const seen = new Set<string>()
    const last = new Map<string, number>()
    for (const { key, headers } of records) {
      const id = headers?.['id'] ?? ''
      if (seen.has(id)) continue
      seen.add(id)
      const seq = Number(headers?.['seq'])
      if (seq < (last.get(key) ?? 0)) found.push(`decision ${id} of ${key} came out of order`)
      last.set(key, seq)
    }
  }
  return found
}
