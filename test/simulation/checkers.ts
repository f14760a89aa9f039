/** What must hold of a whole run, whatever broke in it. Each checker returns what it found wrong. */
import { customerView } from '../../engine/explain/customer-view.ts'
import { decodeOutbox } from '../../engine/shard/outbox.ts'
import { createStates } from '../../engine/state/flat-states.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { stepEvent } from '../../engine/step/step-event.ts'
import type { Commit } from '../../engine/store/store.ts'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Decision } from '../../sinks/decision.ts'
import { decisionIdOf, decodeDecision } from '../../sinks/decision-codec.ts'
import { salt } from './sim-node.ts'
import { capLimit, capPerMs } from './workload.ts'
import { customers, epoch, partitions, type World } from './world.ts'

/** Watches from the beginning that nothing is on the topic whose commit was not applied. */
export function watchUncommitted(world: World): () => string[] {
  const applied = new Set<string>()
  const found: string[] = []
  world.store.onApplied.push((partition: number, { outbox, to }: Commit) => {
    if (outbox === null) return
    for (const { bytes } of decodeOutbox(outbox).decisions) applied.add(`${partition} ${to} ${contentOf(bytes)}`)
  })
  world.broker.onRecord.push((topic, partition, record) => {
    if (topic !== 'decisions') return
    const key = `${partition} ${record.headers?.['seq']} ${contentOf(record.value)}`
    if (!applied.has(key)) found.push(`decision ${decisionIdOf(record.value)} left without its commit`)
  })
  return () => found
}

/** Every record of the log counts once, as in one run without interruption over the same log. */
export function countersEqualOracle(world: World, pack: CompiledPack): string[] {
  const found: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const records = world.broker.records('events', partition)
    const meta = world.store.meta(partition)
    const total = (meta?.accepted ?? 0) + (meta?.duplicates ?? 0) + (meta?.deadLettered ?? 0)
    if (total !== records.length) found.push(`partition ${partition} counted ${total} of ${records.length} records`)
  }
  const oracle = viewsOfOracle(world, pack)
  const stored = viewsOfStore(world, pack)
  for (const [customerId, view] of oracle) {
    if (stored.get(customerId) !== view) found.push(`${customerId} differs: ${stored.get(customerId)} is not ${view}`)
  }
  return found
}

/** One id, one content. */
export function oneContentAnId(world: World): string[] {
  const contents = new Map<string, string>()
  const found: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value } of world.broker.records('decisions', partition)) {
      const decision = decodeDecision(value)
      const before = contents.get(decision.id)
      if (before !== undefined && before !== contentOf(value)) found.push(`decision ${decision.id} has two contents`)
      contents.set(decision.id, contentOf(value))
    }
  }
  return found
}

/** No marketing message goes to a customer beyond the caps, over all contacts that were published or answered. */
export function capsHold(world: World): string[] {
  const failed = failedDecisions(world)
  const contacts = new Map<string, Map<string, Decision>>()
  const add = (decision: Decision): void => {
    if (decision.contacts.length === 0 || failed.has(decision.id)) return
    const key = `${decision.customerId} ${decision.channel}`
    const of = contacts.get(key) ?? new Map<string, Decision>()
    contacts.set(key, of.set(decision.id, decision))
  }
  for (const decision of world.published()) add(decision)
  for (const { decision, committed } of world.answers) if (committed) add(decision)
  const found: string[] = []
  for (const [key, of] of contacts) {
    const all = [...of.values()]
    for (const last of all.filter(isMarketing)) {
      // Of one instant only other marketing counts: a service message may have come behind it.
      const within = all.filter(
        ({ now, ...decision }) =>
          now >= last.now - capPerMs && (now < last.now || (now === last.now && isMarketing(decision))),
      )
      if (within.length > capLimit) found.push(`${key} was contacted ${within.length} times up to ${last.now - epoch}`)
    }
  }
  return found
}

function isMarketing({ contacts }: Pick<Decision, 'contacts'>): boolean {
  return contacts.some((contact) => contact.class === 'marketing')
}

/** After a customer has withdrawn the consent nothing is offered by SMS until it is given again. */
export function optOutsHold(world: World): string[] {
  const decisions = new Map(world.published().map((decision) => [decision.cause.id, decision]))
  const consent = new Map<string, { granted: boolean; at: number }>()
  const found: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value, appendTime } of world.broker.records('events', partition)) {
      const decoded = decodeEvent(value)
      if (decoded.kind !== 'ok') continue
      const { event } = decoded
      if (event.type === 'consent.updated') {
        const at = Math.min(event.time, appendTime)
        const before = consent.get(event.customerId)
        if (before === undefined || at >= before.at)
          consent.set(event.customerId, { granted: event.data['granted'] === true, at })
      }
      const offered = decisions.get(event.id)?.contacts.some((contact) => contact.class === 'marketing')
      if (offered === true && consent.get(event.customerId)?.granted !== true)
        found.push(`${event.id} led to an offer although the consent was withdrawn`)
    }
  }
  return found
}

/** Once the loss of a job is acknowledged no request that begins later is answered with a loan, until it is resolved. */
export function closedStaysClosed(world: World): string[] {
  const lost = world.acknowledged.filter(({ event }) => event.data['resolved'] === false)
  const resolved = lifeEvents(world).filter(({ event }) => event.data['resolved'] === true)
  const found: string[] = []
  for (const { askedAt, decision } of world.answers) {
    if (!decision.offers.some(({ offer }) => offer === 'inbox-loan')) continue
    const closing = lost.find(
      ({ event, at }) =>
        event.customerId === decision.customerId &&
        at < askedAt &&
        !resolved.some((lift) => lift.event.customerId === event.customerId && lift.heard >= event.time),
    )
    if (closing !== undefined) found.push(`a loan for ${decision.customerId} behind ${closing.event.id}`)
  }
  return found
}

function lifeEvents(world: World): { readonly event: Event; readonly heard: number }[] {
  const events: { readonly event: Event; readonly heard: number }[] = []
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value, appendTime } of world.broker.records('events', partition)) {
      const decoded = decodeEvent(value)
      if (decoded.kind !== 'ok' || decoded.event.type !== 'life_event.reported') continue
      events.push({ event: decoded.event, heard: Math.min(decoded.event.time, appendTime) })
    }
  }
  return events
}

/** A request that was answered with a reserved offer is found on the topic, and its repeats gave the same. */
export function answersAreKept(world: World): string[] {
  const ids = new Set(world.published().map(({ id }) => id))
  const offers = new Map<string, string>()
  const found: string[] = []
  for (const { decision, committed } of world.answers) {
    if (committed && !ids.has(decision.id)) found.push(`answer ${decision.id} is not on the topic`)
    const isKept = committed || decision.reason === 'repeated_request'
    const given = decision.offers.map(({ offer }) => offer).join()
    if (isKept && (offers.get(decision.id) ?? given) !== given) found.push(`request ${decision.id} had two answers`)
    if (isKept) offers.set(decision.id, given)
  }
  return found
}

/** Per customer the order of the topic is that of the commits, once repeats are dropped. */
export function orderHolds(world: World): string[] {
  const found: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const seen = new Set<string>()
    const last = new Map<string, number>()
    for (const record of world.broker.records('decisions', partition)) {
      const id = record.headers?.['id'] ?? ''
      if (seen.has(id)) continue
      seen.add(id)
      const seq = Number(record.headers?.['seq'])
      if (seq < (last.get(record.key) ?? 0)) found.push(`decision ${id} of ${record.key} came out of order`)
      last.set(record.key, seq)
    }
  }
  return found
}

function failedDecisions(world: World): ReadonlySet<unknown> {
  const failed = new Set<unknown>()
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value } of world.broker.records('events', partition)) {
      const decoded = decodeEvent(value)
      if (decoded.kind === 'ok' && decoded.event.type === 'message.failed') failed.add(decoded.event.data['decisionId'])
    }
  }
  return failed
}

const asOf = epoch + 3_600_000
const customerIds = Array.from({ length: customers }, (_, i) => `C${i}`)

/** What the log says of every customer: features and suppressions, from one plain pass over it. */
function viewsOfOracle(world: World, pack: CompiledPack): Map<string, string> {
  const { states, context } = contextOf(pack)
  states.begin(0)
  for (const id of customerIds) states.load(0, id, null)
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value, appendTime } of world.broker.records('events', partition)) {
      const decoded = decodeEvent(value)
      if (decoded.kind !== 'ok') continue
      const slot = states.find(decoded.event.customerId)
      stepEvent(context, slot, { event: decoded.event, acceptedAt: appendTime, now: appendTime })
    }
  }
  return viewsOf(states, context)
}

function viewsOfStore(world: World, pack: CompiledPack): Map<string, string> {
  const { states, context } = contextOf(pack)
  states.begin(0)
  for (const id of customerIds) {
    for (let partition = 0; partition < partitions; partition++) {
      const [stored = null] = world.store.load(partition, [id])
      if (stored !== null) states.load(0, id, stored)
    }
    if (states.find(id) < 0) states.load(0, id, null)
  }
  return viewsOf(states, context)
}

function contextOf(pack: CompiledPack) {
  const states = createStates(pack.layout, { maxBytes: 8 * 2 ** 20, observedSince: pack.layout.series.map(() => 0) })
  return { states, context: createStepContext(pack, states, salt) }
}

function viewsOf(
  states: ReturnType<typeof contextOf>['states'],
  context: ReturnType<typeof contextOf>['context'],
): Map<string, string> {
  const views = new Map<string, string>()
  for (const customerId of customerIds) {
    const view = customerView(context, states.find(customerId), { customerId, partition: 0, known: true, asOf })
    views.set(
      customerId,
      JSON.stringify([view.variables.map(({ name, value }) => `${name}=${value}`), view.suppressions]),
    )
  }
  return views
}

function contentOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
