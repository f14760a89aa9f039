/** Resources in Redis: each in a hash slot of its own, every call one script. */
import {
  type ConfirmReply,
  checkName,
  checkReservation,
  checkUnits,
  type LapseReply,
  oversoldOf,
  type Reservation,
  type ReserveReply,
  type ResourceCount,
  type ResourcePiece,
  type ResourceReservation,
  type Resources,
  sweepMax,
} from '../resource.ts'
import { connectRedis } from './connect-redis.ts'
import { defaultPrefix, KeyNames } from './key-names.ts'
import { type LuaScript, readScript } from './lua-script.ts'
import { listOf, numberOf, textOf } from './redis-reply.ts'
import type { RedisServers } from './redis-servers.ts'
import type { RedisOptions } from './redis-target.ts'
import { scanKeys } from './scan-keys.ts'
import { corrupt } from './state-value.ts'

/** Reservations given to a backup at once, about. */
const pieceSize = 1_000

type ScriptName = 'confirm' | 'define' | 'lapse' | 'reserve' | 'sweep'

/**
 * Opens the resources of the servers and the prefix.
 * @throws StoreError `store_unavailable` when Redis cannot be reached or the options cannot be right
 */
export async function openRedisResources(options: RedisOptions): Promise<Resources> {
  const keys = new KeyNames(options.prefix ?? defaultPrefix)
  return new RedisResources(await connectRedis(options), keys)
}

class RedisResources implements Resources {
  readonly #servers: RedisServers
  readonly #keys: KeyNames
  readonly #scripts: Readonly<Record<ScriptName, LuaScript>> = {
    confirm: readScript('confirm.lua'),
    define: readScript('define.lua'),
    lapse: readScript('lapse.lua'),
    reserve: readScript('reserve.lua'),
    sweep: readScript('sweep.lua'),
  }

  constructor(servers: RedisServers, keys: KeyNames) {
    this.#servers = servers
    this.#keys = keys
  }

  async define(resource: string, capacity: number): Promise<void> {
    checkUnits(capacity, 0)
    await this.#run('define', resource, [String(capacity)])
  }

  async reserve(resource: string, id: string, reservation: Reservation): Promise<ReserveReply> {
    checkName(id)
    checkReservation(reservation)
    const { amount, leaseUntil, now } = reservation
    const args = [id, String(amount), String(leaseUntil), String(now), String(sweepMax)]
    const said = textOf(await this.#run('reserve', resource, args, (reply) => textOf(reply) === 'reserved'))
    if (said === 'reserved' || said === 'not_defined') return { kind: said }
    return { kind: 'refused', left: unitsOf(said) }
  }

  async confirm(resource: string, id: string, amount: number): Promise<ConfirmReply> {
    checkName(id)
    checkUnits(amount, 1)
    const [capacity, reserved, confirmed] = listOf(await this.#run('confirm', resource, [id, String(amount)])).map(
      textOf,
    )
    return { kind: 'confirmed', oversold: oversoldOf(unitsOf(capacity), unitsOf(reserved), unitsOf(confirmed)) }
  }

  async lapse(resource: string, id: string): Promise<LapseReply> {
    checkName(id)
    const said = textOf(await this.#run('lapse', resource, [id], (reply) => textOf(reply) === 'lapsed'))
    if (said === 'lapsed' || said === 'confirmed' || said === 'unknown') return { kind: said }
    throw corrupt('A resource is not what was written.')
  }

  async sweep(resource: string, now: number): Promise<number> {
    const reply = await this.#run('sweep', resource, [String(now), String(sweepMax)], (count) => numberOf(count) > 0)
    return numberOf(reply)
  }

  async count(resource: string): Promise<ResourceCount | null> {
    checkName(resource)
    const key = this.#keys.resource(resource)
    const [totals] = await this.#servers.nodeOf(key).read([['HMGET', key, 'capacity', 'reserved', 'confirmed']])
    const texts = listOf(totals).map(textOf)
    if (texts.every((text) => text === null)) return null
    const [capacity = 0, reserved = 0, confirmed = 0] = texts.map(unitsOf)
    return { capacity, reserved, confirmed, oversold: oversoldOf(capacity, reserved, confirmed) }
  }

  async *all(): AsyncGenerator<ResourcePiece> {
    for (const node of this.#servers.nodes()) {
      for await (const keys of scanKeys(node, this.#keys.pattern('resources'))) {
        for (const key of keys) {
          const parsed = this.#keys.parse(key)
          if (parsed?.kind === 'resource') yield* this.#reservations(parsed.name)
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#servers.close()
  }

  async *#reservations(name: string): AsyncGenerator<ResourcePiece> {
    const key = this.#keys.resource(name)
    const node = this.#servers.nodeOf(key)
    const [stored = null] = await node.read([['HGET', key, 'capacity']])
    const capacity = stored === null ? null : unitsOf(textOf(stored))
    let cursor = '0'
    do {
      const [page] = await node.read([['HSCAN', key, cursor, 'COUNT', String(pieceSize)]])
      const [next = null, pairs] = listOf(page)
      cursor = textOf(next) ?? '0'
      const fields = listOf(pairs)
        .map((text) => textOf(text) ?? '')
        .filter((text, i) => i % 2 === 0 && text.startsWith('i:'))
      yield { name, capacity, reservations: fields.length === 0 ? [] : await this.#heldIn(name, fields) }
    } while (cursor !== '0')
  }

  /** First the leases: what has none then is confirmed, or gone, when it is looked at. */
  async #heldIn(name: string, fields: readonly string[]): Promise<ResourceReservation[]> {
    const ids = fields.map((field) => field.slice(2))
    const key = this.#keys.resource(name)
    const [leases, values] = await this.#servers.nodeOf(key).read([
      ['ZMSCORE', this.#keys.leases(name), ...ids],
      ['HMGET', key, ...fields],
    ])
    const ends = listOf(leases).map(textOf)
    return listOf(values).flatMap((reply, i): ResourceReservation[] => {
      const [id = '', end = null, value] = [ids[i], ends[i], textOf(reply)]
      if (value === null) return []
      const amount = unitsOf(value.slice(1))
      if (value.startsWith('c')) return [{ id, amount, leaseUntil: null }]
      return end === null ? [] : [{ id, amount, leaseUntil: Number(end) }]
    })
  }

  /** @param hasWritten whether a reply says that something was written; left out: always */
  #run(
    script: ScriptName,
    resource: string,
    args: readonly string[],
    hasWritten: (value: unknown) => boolean = () => true,
  ): Promise<unknown> {
    checkName(resource)
    const keys = [this.#keys.resource(resource), this.#keys.leases(resource)]
    return this.#servers
      .nodeOf(this.#keys.resource(resource))
      .write({ script: this.#scripts[script], keys, args, hasWritten })
  }
}

/** Units from their text; absent: none. */
function unitsOf(text: string | null | undefined): number {
  const units = Number(text ?? 0)
  if (!Number.isSafeInteger(units)) throw corrupt('The units of a resource are no number.')
  return units
}
