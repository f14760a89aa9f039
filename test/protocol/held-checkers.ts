/** What must hold of a run in which quiet hours hold messages. */
import { LocalClock } from '../../engine/state/local-clock.ts'
import { type Decision, released } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import type { Evidence } from './evidence.ts'

/** No marketing leaves in quiet hours, and everything that waited is looked at again, once. */
export function holdsHold(evidence: Evidence): string[] {
  return [...quietIsQuiet(evidence), ...releasedOnce(evidence)]
}

function decisionsOf({ decisions }: Evidence): Decision[] {
  const known = new Map<string, Decision>()
  for (const { value } of decisions.flat()) {
    const decision = decodeDecision(value)
    if (!known.has(decision.id)) known.set(decision.id, decision)
  }
  return [...known.values()]
}

function quietIsQuiet(evidence: Evidence): string[] {
  const { model } = evidence.pack.loaded
  const clock = new LocalClock(model.zone)
  const isQuiet = (at: number): boolean => model.quietHours.some(({ from, to }) => clock.isWithin(at, from, to))
  return decisionsOf(evidence)
    .filter(({ contacts, channel, now }) => {
      const marketing = contacts.some((contact) => contact.class === 'marketing')
      return marketing && channel === 'sms' && isQuiet(now)
    })
    .map(({ id }) => `decision ${id} left in quiet hours`)
}

function releasedOnce(evidence: Evidence): string[] {
  const problems: string[] = []
  const last = new Map<string, { readonly at: number; readonly id: string }>()
  const releases = new Map<string, Decision[]>()
  for (const decision of decisionsOf(evidence)) {
    const place = `${decision.customerId} ${decision.placement}`
    for (const { trigger, at } of decision.held) {
      const key = `${place} ${trigger}`
      if (at >= (last.get(key)?.at ?? 0)) last.set(key, { at, id: decision.id })
    }
    const { source, type, id } = decision.cause
    if (source !== released.source || type !== released.type) continue
    const same = releases.get(`${place} ${id}`) ?? []
    releases.set(`${place} ${id}`, [...same, decision])
  }
  for (const [key, decisions] of releases) {
    if (decisions.length > 1) problems.push(`what waited of ${key} was released ${decisions.length} times`)
  }
  const all = [...releases.values()].flat()
  for (const [key, { at }] of last) {
    const [customerId, placement] = key.split(' ')
    const isThere = all.some((one) => one.customerId === customerId && one.placement === placement && one.now >= at)
    if (!isThere) problems.push(`what waits of ${key} was never looked at again`)
  }
  return problems
}
