import type { Event, RejectReason, Via } from '../event.ts'
import type { Rejection } from '../validate.ts'
import { isAlias } from './alias.ts'
import type { AliasSeal } from './alias-seal.ts'
import type { ChangeReply, IdentityChange, IdentityMap } from './identity-map.ts'

/** A sound event as it came, and when it counts as having come, Unix milliseconds. */
export type NamedEvent = { readonly event: Event; readonly acceptedAt: number }

/** The event under its customer's id, with the alias it speaks of sealed; or why it cannot be taken. */
export type SettledEvent =
  | { readonly kind: 'ok'; readonly event: Event }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

/** The identity map as the door and the API use it: with aliases as callers write them. */
export type Identities = {
  /**
   * The customer of an alias; null: nobody's.
   * @throws IdentityError
   */
  customerOf(alias: string): Promise<string | null>
  /**
   * Puts customers in place of aliases and carries out what `identity.linked` and `identity.unlinked` say, in the order of the
   * events: what one links, the next may name. One look at the map for all aliases, one change for all that is linked, and
   * one more each time an event names an alias that the events before it changed.
   * @throws IdentityError: some changes may have been carried out, and are carried out again without harm
   */
  settle(events: readonly NamedEvent[], via: Via): Promise<readonly SettledEvent[]>
  /**
   * The aliases a customer has now.
   * @throws IdentityError
   */
  aliasesOf(customerId: string): Promise<OwnAliases>
  /** See `IdentityMap.forget`. */
  forget(customerId: string): Promise<number>
}

/** A customer's aliases, which only who says one can tell. */
export type OwnAliases = { readonly count: number; has(alias: string): boolean }

export type IdentitiesParts = {
  readonly map: IdentityMap
  readonly seal: AliasSeal
  /** How late an event may come, and how far its clock may be ahead, as the shards have it: a change that they would refuse is refused here. */
  readonly latenessMs: number
  readonly aheadMaxMs: number
}

const CHANGES: ReadonlyMap<string, IdentityChange['kind']> = new Map([
  ['identity.linked', 'link'],
  ['identity.unlinked', 'unlink'],
])

const REFUSALS: Readonly<Record<Exclude<ChangeReply, 'done'>, Rejection>> = {
  taken: { reason: 'alias_taken', field: 'alias' },
  stale: { reason: 'too_late', field: 'time' },
  forgotten: { reason: 'erased', field: null },
  full: { reason: 'aliases_full', field: 'alias' },
}

/** Whether an event has to be settled before it can be keyed. */
export function concernsIdentities({ customerId, type }: Event): boolean {
  return isAlias(customerId) || CHANGES.has(type)
}

export function createIdentities(parts: IdentitiesParts): Identities {
  const { map, seal } = parts

  return {
    async customerOf(alias) {
      const [customerId = null] = await map.resolve([seal.alias(alias)])
      return customerId
    },
    settle: (events, via) => settle(parts, events, via),
    async aliasesOf(customerId) {
      const sealed = new Set(await map.aliasesOf(customerId))
      return { count: sealed.size, has: (alias) => sealed.size > 0 && sealed.has(seal.alias(alias)) }
    },
    forget: (customerId) => map.forget(customerId),
  }
}

/** Where there is no map: no alias is anybody's, and none can be linked. */
export const noIdentities: Identities = {
  customerOf: async () => null,
  settle: async (events) =>
    events.map(({ event }) => {
      if (!CHANGES.has(event.type)) return unknown()
      return { kind: 'rejected', rejection: { reason: 'untrusted_source', field: null } }
    }),
  aliasesOf: async () => ({ count: 0, has: () => false }),
  forget: async () => 0,
}

type Pending = { readonly index: number; readonly event: Event; readonly change: IdentityChange }

async function settle(
  parts: IdentitiesParts,
  events: readonly NamedEvent[],
  via: Via,
): Promise<readonly SettledEvent[]> {
  const { map, seal } = parts
  const settled = new Array<SettledEvent>(events.length)
  const owners = await ownersOf(parts, events)
  /** By alias, of which the last one decides what the next event sees. */
  let pending: Pending[] = []
  const changing = new Set<string>()

  async function carryOut(): Promise<void> {
    const replies = pending.length === 0 ? [] : await map.change(pending.map(({ change }) => change))
    for (const [i, { index, event, change }] of pending.entries()) {
      const reply = replies[i] ?? 'stale'
      if (reply === 'done') owners.set(change.alias, change.kind === 'link' ? change.customerId : null)
      settled[index] = reply === 'done' ? { kind: 'ok', event } : { kind: 'rejected', rejection: REFUSALS[reply] }
    }
    pending = []
    changing.clear()
  }

  for (const [index, { event, acceptedAt }] of events.entries()) {
    const kind = CHANGES.get(event.type)
    if (kind !== undefined) {
      const refusal = refusalOf(parts, { event, acceptedAt }, via)
      if (refusal !== null) {
        settled[index] = { kind: 'rejected', rejection: refusal }
        continue
      }
      const alias = seal.alias(String(event.data['alias']))
      const change = { kind, alias, customerId: event.customerId, at: Math.min(event.time, acceptedAt) }
      pending.push({ index, event: { ...event, data: { ...event.data, alias } }, change })
      changing.add(alias)
    } else if (isAlias(event.customerId)) {
      const alias = seal.alias(event.customerId)
      if (changing.has(alias)) await carryOut()
      const customerId = owners.get(alias) ?? null
      settled[index] = customerId === null ? unknown() : { kind: 'ok', event: { ...event, customerId } }
    } else settled[index] = { kind: 'ok', event }
  }
  await carryOut()
  return settled
}

/** Whose the aliases are that events name as their customers, by sealed alias. */
async function ownersOf(
  { map, seal }: IdentitiesParts,
  events: readonly NamedEvent[],
): Promise<Map<string, string | null>> {
  const named = events.flatMap(({ event: { customerId } }) => (isAlias(customerId) ? [seal.alias(customerId)] : []))
  const aliases = [...new Set(named)]
  const customers = aliases.length === 0 ? [] : await map.resolve(aliases)
  return new Map(aliases.map((alias, i) => [alias, customers[i] ?? null]))
}

/**
 * Why a change is not even tried. One from the stream may be anybody's; one that names its customer by an alias would build on
 * what another change may take away; and one that the shard will refuse for its time must not have an effect here.
 */
function refusalOf(
  { latenessMs, aheadMaxMs }: IdentitiesParts,
  { event, acceptedAt }: NamedEvent,
  via: Via,
): Rejection | null {
  if (via === 'stream') return { reason: 'untrusted_source', field: null }
  if (isAlias(event.customerId)) return { reason: 'customer_invalid', field: 'customerId' }
  if (event.time < acceptedAt - latenessMs) return { reason: 'too_late', field: 'time' }
  if (event.time > acceptedAt + aheadMaxMs) return { reason: 'time_invalid', field: 'time' }
  return null
}

function unknown(): SettledEvent {
  const reason: RejectReason = 'customer_unknown'
  return { kind: 'rejected', rejection: { reason, field: 'customerId' } }
}
