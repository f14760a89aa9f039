/**
 * Puts a kept pack in force on all nodes, in two steps. First every shard compiles it and says so: until then nothing has
 * changed, and whoever does not say so in time has everybody forget it. Then the installation's record names it, which is the point
 * of no return, and every shard goes over at its next batch.
 */
import type { CompiledPack } from '../../rules/compiled.ts'
import { activatePack } from '../activate-pack.ts'
import { lastAppendTime } from '../installation.ts'
import { certificateName } from '../proof/certificate.ts'
import { clockSkewMs } from '../step/admit-event.ts'
import type { Cluster, Store } from '../store/store.ts'
import type { ActivationRefusal, ActivationResult, Activator, PackStatus, ShardPack } from './activation.ts'
import type { ActivationPeers } from './activation-peers.ts'
import type { NodePacks, NodePrepared, NodeRuns } from './node-packs.ts'

export type CoordinatorParts = {
  readonly store: Pick<Store, 'cluster' | 'putCluster' | 'pack' | 'meta'>
  readonly own: NodePacks
  /** null: there are no other nodes. */
  readonly peers: ActivationPeers | null
  /** Addresses of the other nodes that take part or own a partition. @throws StoreError */
  readonly others: () => Promise<readonly string[]>
  /** The resources of the pack are put down before it is in force. */
  readonly defineResources: (pack: CompiledPack) => Promise<void>
  readonly now: () => number
  readonly elapsed: () => number
  /** How long all shards have to compile a pack, and to confirm that they run it, milliseconds. */
  readonly prepareWithinMs: number
  readonly switchWithinMs: number
  /** Called with the record in place and no shard told: only tests do something there. */
  readonly onRecorded: () => void
}

/** Others may change the record between reading and writing it, when a backfill ends for example. */
const attemptsMax = 5
/** A series that the pack adds counts as observed behind the time in which every partition comes over. */
const comesOverMs = 60_000
const askWithinMs = 4_000

const always = async (): Promise<boolean> => true

type Recording = { readonly before: Cluster; readonly isWanted: () => Promise<boolean> }
type Refused = Extract<ActivationResult, { kind: 'refused' }>

export class Coordinator implements Activator {
  readonly #parts: CoordinatorParts
  #isBusy = false

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
  }

  async activate(packHash: string, isWanted: () => Promise<boolean> = always): Promise<ActivationResult> {
    if (this.#isBusy)
      return refused('activation_in_progress', 'Another activation is under way here. Try again when it is over.')
    this.#isBusy = true
    try {
      return await this.#activate(packHash, isWanted)
    } finally {
      this.#isBusy = false
    }
  }

  async status(): Promise<PackStatus> {
    const { store, own, peers, others } = this.#parts
    const cluster = await recordOf(store)
    const told: NodeRuns[] = [own.runs()]
    const silent: string[] = []
    await Promise.all(
      (await others()).map(async (addr) => {
        const reply = await peers?.runs(addr, askWithinMs)
        if (reply?.kind === 'answer') told.push(reply.value)
        else silent.push(addr)
      }),
    )
    const shards = told.flatMap((one) => one.shards)
    const failing = told.flatMap(({ node, trouble }) => (trouble === null ? [] : [{ node, ...trouble }]))
    return { packHash: cluster.pack, activation: cluster.activations, shards, silent, failing }
  }

  async #activate(packHash: string, isWanted: () => Promise<boolean>): Promise<ActivationResult> {
    const { store, own, elapsed } = this.#parts
    const started = elapsed()
    // What the store has lost of the record is written again first, so that no number names two activations.
    await own.takeUp()
    const cluster = await recordOf(store)
    if (cluster.pack === packHash) return this.#confirm(cluster, packHash, started)
    if ((await store.pack(certificateName(packHash))) === null && (await store.pack(packHash)) !== null)
      return refused(
        'pack_unproven',
        'No certificate of this checker is kept for the version, so nobody has proven what it cannot do. Propose it again, which proves it.',
      )
    const pack = await own.compile(packHash)
    if (pack === null) return refused('pack_unknown', 'No such version of a pack is kept here. Propose it first.')
    const next = await this.#recordWith(cluster, pack)
    const asked = await this.#parts.others()
    const problem = await this.#prepare(next, asked)
    if (problem !== null) return this.#giveUp(next, asked, problem)
    try {
      await this.#parts.defineResources(pack)
    } catch {
      const sentence =
        'The store of resources did not take what the pack says there is of them. Nothing was changed; try again.'
      return this.#giveUp(next, asked, refused('resources_unavailable', sentence))
    }
    const recorded = await this.#record(next, pack, { before: cluster, isWanted })
    if (recorded === null) {
      const sentence =
        'Others changed the installation at the same moment. Nothing was changed by this call; look, and try again.'
      return this.#giveUp(next, asked, refused('changed_meanwhile', sentence))
    }
    this.#parts.onRecorded()
    return this.#confirm(recorded, cluster.pack, started)
  }

  /** The record with the pack in force. Events that are taken before every partition has come over count as before it. */
  async #recordWith(cluster: Cluster, { loaded, layout }: CompiledPack): Promise<Cluster> {
    const { store, now } = this.#parts
    const newSince = Math.max(now(), await lastAppendTime(store, cluster)) + clockSkewMs + comesOverMs + 1
    return activatePack(cluster, { hash: loaded.hash, layout }, newSince)
  }

  /** The first step on all nodes; null: everybody is ready. */
  async #prepare(next: Cluster, asked: readonly string[]): Promise<Refused | null> {
    const { own, peers, prepareWithinMs } = this.#parts
    const { activations, observedSince, added, backfill } = next
    const preparing = { packHash: next.pack, past: { activations, observedSince, added, backfill } }
    const here = own.prepare(preparing, prepareWithinMs)
    const there = asked.map(async (addr): Promise<readonly string[]> => {
      const reply = await peers?.prepare(addr, preparing, prepareWithinMs)
      return reply?.kind === 'answer' ? missingOf(reply.value) : [`node ${addr}`]
    })
    const missing = (await Promise.all([here.then(missingOf), ...there])).flat()
    if (missing.length === 0) return null
    return {
      kind: 'refused',
      code: 'not_confirmed',
      message: `Nothing was changed: ${missing.join(', ')} did not say within ${prepareWithinMs} ms that the pack is ready. Look at it, or wait for its partitions to be taken over, and try again.`,
      missing,
    }
  }

  async #giveUp(next: Cluster, asked: readonly string[], problem: Refused): Promise<Refused> {
    const { own, peers } = this.#parts
    await Promise.all([
      own.forget(next.activations),
      // Who does not hear forgets it when its time is over.
      ...asked.map((addr) => peers?.forget(addr, next.activations, askWithinMs)),
    ])
    return problem
  }

  /** Writes the record; null: somebody else put a pack in force, or gave this up. What else changed meanwhile is kept. */
  async #record(next: Cluster, pack: CompiledPack, { before, isWanted }: Recording): Promise<Cluster | null> {
    const { store } = this.#parts
    let wanted = next
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const stored = await recordOf(store)
      if (stored.activations === next.activations && stored.pack === next.pack) return stored
      if (stored.activations !== before.activations || stored.pack !== before.pack) return null
      wanted = await this.#recordWith(stored, pack)
      if (!(await isWanted().catch(() => false))) return null
      // When the store does not say whether it took it, the next round sees.
      if (await store.putCluster(wanted, stored).catch(() => false)) return wanted
    }
    return null
  }

  /** The second step, on every node that there is, also on those that came meanwhile. */
  async #confirm(cluster: Cluster, before: string, started: number): Promise<ActivationResult> {
    const { own, peers, others, elapsed, switchWithinMs } = this.#parts
    const until = elapsed() + 3 * switchWithinMs
    // A store that does not answer now leaves this node to follow the record.
    const runs = new Map<string, NodeRuns>([['', await own.takeUp().catch(() => own.runs())]])
    let silent: readonly string[] = []
    do {
      const open = (await others().catch(() => [])).filter((addr) => !runs.has(addr))
      silent = open
      // Owners are in the headers of their partitions: whoever took one before the record was written is found, others read the record.
      if (open.length === 0) break
      await Promise.all(
        open.map(async (addr) => {
          const reply = await peers?.takeUp(addr, 2 * switchWithinMs)
          if (reply?.kind === 'answer') runs.set(addr, reply.value)
        }),
      )
    } while (elapsed() < until)
    const shards = [...runs.values()].flatMap((one) => one.shards)
    const isRunning = ({ packHash, activation }: ShardPack): boolean =>
      packHash === cluster.pack && activation === cluster.activations
    const missing = [
      ...shards.filter((one) => !isRunning(one)).map(({ node, shard }) => `${node} shard ${shard}`),
      ...silent.map((addr) => `node ${addr}`),
    ]
    const result = { packHash: cluster.pack, activation: cluster.activations, before, shards }
    if (missing.length === 0) return { kind: 'activated', ...result, tookMs: Math.round(elapsed() - started) }
    const message =
      `The pack is in force, and ${missing.join(', ')} did not confirm. Each takes it up as soon as it can, and takes no partition before ` +
      'that; ask again to see whether it has.'
    return { kind: 'activation_incomplete', ...result, missing, message }
  }
}

async function recordOf(store: Pick<Store, 'cluster'>): Promise<Cluster> {
  const cluster = await store.cluster()
  if (cluster === null) throw new Error('an installation that runs has a record')
  return cluster
}

function missingOf(prepared: NodePrepared): readonly string[] {
  switch (prepared.kind) {
    case 'prepared':
      return []
    case 'failed':
      return prepared.missing.map((shard) => `${prepared.node} shard ${shard}`)
    case 'busy':
    case 'unknown':
      return [`node ${prepared.node} (${prepared.kind})`]
    default:
      return prepared satisfies never
  }
}

function refused(code: ActivationRefusal, message: string): Refused {
  return { kind: 'refused', code, message, missing: [] }
}
