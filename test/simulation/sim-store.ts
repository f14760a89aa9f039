/**
 * A model of a store with one replica: what a commit does is the contract of the port, applied at once on the primary and a
 * little later on the replica. A failover makes the replica the primary: what had not reached it is lost.
 */
import type { Due, Stored } from '../../engine/state/states.ts'
import { dueChanges } from '../../engine/store/due-changes.ts'
import {
  type Cluster,
  type Commit,
  type CommitMeta,
  type CommitReply,
  headerMissing,
  type Meta,
  type Store,
  StoreError,
  type StoreWrite,
} from '../../engine/store/store.ts'
import type { VirtualTime } from './virtual-time.ts'
import type { Wire } from './wire.ts'

type Part = {
  meta: Meta
  readonly states: Map<string, { base: Uint8Array | null; patches: Uint8Array[] }>
  readonly outbox: Map<number, Uint8Array>
  readonly tombstones: Map<string, number>
  readonly due: Map<string, number>
}
type Data = { cluster: Cluster | null; readonly packs: Map<string, string>; readonly parts: Map<number, Part> }
type Change = (data: Data) => void

export class SimStore {
  /** Commits that were applied, for the checker: what they let out. */
  readonly onApplied: ((partition: number, commit: Commit) => void)[] = []
  /** How long a change takes to the replica; Infinity: replication is cut. */
  replicationMs = 1
  /** Replicas a commit waits for: 0 or 1. */
  readonly #waitFor: 0 | 1
  readonly #time: VirtualTime
  readonly #now: () => number
  #primary: Data = emptyData()
  #replica: Data = emptyData()
  #changes: Change[] = []
  #replicated = 0
  #confirmations: { readonly count: number; readonly resolve: () => void }[] = []
  /** Guards that a test takes away to see the faults found. */
  readonly #without: ReadonlySet<StoreGuard>

  constructor(parts: {
    readonly time: VirtualTime
    readonly now: () => number
    readonly waitFor: 0 | 1
    readonly without: ReadonlySet<StoreGuard>
  }) {
    this.#time = parts.time
    this.#now = parts.now
    this.#waitFor = parts.waitFor
    this.#without = parts.without
  }

  /** Commits that only the primary has. */
  get unreplicated(): number {
    return this.#changes.length - this.#replicated
  }

  /** The replica takes over; a new replica is made from it. */
  failover(): void {
    this.#primary = this.#replica
    this.#replica = copyOf(this.#primary)
    this.#changes = []
    this.#replicated = 0
    this.#confirmations = []
  }

  /** The installation's record. */
  get cluster(): Cluster | null {
    return this.#primary.cluster
  }

  async putCluster(cluster: Cluster, before: Cluster | null): Promise<boolean> {
    if (JSON.stringify(this.#primary.cluster) !== JSON.stringify(before)) return false
    this.#change((data) => {
      data.cluster = cluster
    })
    await this.#confirmed()
    return true
  }

  /** Keeps packs, by hash or name. */
  keep(packs: readonly (readonly [string, string])[]): void {
    for (const [hash, json] of packs) this.#change((data) => void data.packs.set(hash, json))
  }

  meta(partition: number): Meta | null {
    return this.#primary.parts.get(partition)?.meta ?? null
  }

  load(partition: number, customerIds: readonly string[]): readonly (Stored | null)[] {
    const states = this.#primary.parts.get(partition)?.states
    return customerIds.map((id) => {
      const state = states?.get(id)
      return state === undefined ? null : { base: state.base, patches: [...state.patches] }
    })
  }

  due(partition: number, limit: number): readonly Due[] {
    const part = this.#primary.parts.get(partition)
    if (part === undefined) throw headerMissing()
    const all = [...part.due].map(([customerId, at]) => ({ customerId, at }))
    return all.sort((a, b) => a.at - b.at || (a.customerId < b.customerId ? -1 : 1)).slice(0, limit)
  }

  /** The store as a node sees it over its wire. */
  over(wire: Wire): Store {
    return {
      cluster: () => wire.call(() => this.cluster),
      putCluster: (cluster, before) => wire.call(() => this.putCluster(cluster, before)),
      putPack: (hash, json) => wire.call(() => this.#change((data) => void data.packs.set(hash, json))),
      pack: (hash) => wire.call(() => this.#primary.packs.get(hash) ?? null),
      create: (partition, meta) => wire.call(() => this.create(partition, meta)),
      acquire: (partition, token, addr) =>
        wire.call(async () => {
          const meta = await this.#acquire(partition, token, addr)
          return meta !== null && this.#without.has('newer pack') ? { ...meta, activation: 0 } : meta
        }),
      release: (partition, token) => wire.call(() => this.#release(partition, token)),
      meta: (partition) => wire.call(() => this.meta(partition)),
      load: (partition, ids) => wire.call(() => this.load(partition, ids)),
      commit: (partition, commit) => wire.call(() => this.commit(partition, commit)),
      outbox: (partition, from, to) => wire.call(() => this.#outbox(partition, from, to)),
      due: (partition, limit) => wire.call(() => this.due(partition, limit)),
      tombstones: (partition) => wire.call(() => new Map(this.#primary.parts.get(partition)?.tombstones)),
      now: () => wire.call(() => this.#now()),
      close: async () => {},
    }
  }

  create(partition: number, meta: CommitMeta): void {
    if (this.#primary.parts.has(partition)) return
    this.#change((data) => {
      const header = { ...meta, token: '', addr: '', seq: 0 }
      const none = { states: new Map(), outbox: new Map(), tombstones: new Map(), due: new Map() }
      data.parts.set(partition, { meta: header, ...none })
    })
  }

  async commit(partition: number, commit: Commit): Promise<CommitReply> {
    const meta = this.meta(partition)
    if (meta === null) return { kind: 'fenced' }
    if (meta.token !== commit.token && !this.#without.has('token check')) return { kind: 'fenced' }
    if (meta.seq === commit.to) {
      await this.#confirmed()
      return { kind: 'applied' }
    }
    if (meta.seq !== commit.from && !this.#without.has('seq check')) return { kind: 'seq_mismatch', stored: meta.seq }
    if (commit.notAfter !== null && this.#now() > commit.notAfter) return { kind: 'expired' }
    const forgetsFill = this.#without.has('progress of a fill') && commit.writes.length > 0
    const { fill } = forgetsFill ? meta : commit.meta
    this.#change((data) => apply(data, partition, { ...commit, meta: { ...commit.meta, fill } }))
    for (const tell of this.onApplied) tell(partition, commit)
    await this.#confirmed()
    return { kind: 'applied' }
  }

  async #acquire(partition: number, token: string, addr: string): Promise<Meta | null> {
    if (this.meta(partition) === null) return null
    this.#change((data) => setMeta(data, partition, { token, addr }))
    await this.#confirmed()
    return this.meta(partition)
  }

  #release(partition: number, token: string): void {
    if (this.meta(partition)?.token !== token) return
    this.#change((data) => setMeta(data, partition, { addr: '' }))
  }

  #outbox(partition: number, from: number, to: number): { seq: number; value: Uint8Array }[] {
    const values = [...(this.#primary.parts.get(partition)?.outbox ?? [])]
    return values
      .filter(([seq]) => seq > from && seq <= to)
      .sort(([a], [b]) => a - b)
      .map(([seq, value]) => ({ seq, value }))
  }

  #change(change: Change): void {
    change(this.#primary)
    this.#changes.push(change)
    this.#replicateLater(this.#changes, this.#changes.length)
  }

  /** The first `count` changes reach the replica. */
  #replicateLater(changes: Change[], count: number): void {
    if (this.replicationMs === Number.POSITIVE_INFINITY) {
      // Looked at again when somebody has mended it.
      this.#time.after(50, () => this.#replicateLater(changes, count))
      return
    }
    this.#time.after(this.replicationMs, () => {
      if (changes !== this.#changes) return
      while (this.#replicated < count) changes[this.#replicated++]?.(this.#replica)
      const due = this.#confirmations.filter((waiting) => waiting.count <= this.#replicated)
      this.#confirmations = this.#confirmations.filter((waiting) => waiting.count > this.#replicated)
      for (const { resolve } of due) resolve()
    })
  }

  /** Resolves when the replica has everything written so far; never, when that was lost. */
  #confirmed(): Promise<void> {
    if (this.#waitFor === 0 || this.#without.has('wait for the replica')) return Promise.resolve()
    const count = this.#changes.length
    if (count <= this.#replicated) return Promise.resolve()
    return new Promise((resolve) => this.#confirmations.push({ count, resolve }))
  }
}

export type StoreGuard = 'token check' | 'seq check' | 'wait for the replica' | 'progress of a fill' | 'newer pack'

/** What a node gets that has no answer in time. */
export function noAnswer(): StoreError {
  return new StoreError('store_unavailable', 'No answer in time.', { retryable: true })
}

function apply(data: Data, partition: number, commit: Commit): void {
  const part = data.parts.get(partition)
  if (part === undefined) return
  for (const write of commit.writes) applyWrite(part, write)
  for (const [customerId, at] of dueChanges(commit)) {
    if (at === 0) part.due.delete(customerId)
    else part.due.set(customerId, at)
  }
  if (commit.outbox !== null) part.outbox.set(commit.to, commit.outbox)
  for (const seq of part.outbox.keys()) if (seq <= commit.trim) part.outbox.delete(seq)
  part.meta = { ...part.meta, ...commit.meta, seq: commit.to }
}

function applyWrite(part: Part, write: StoreWrite): void {
  if (write.kind === 'erase') {
    part.states.delete(write.customerId)
    part.tombstones.set(write.tombstone, write.at)
    return
  }
  const state = part.states.get(write.customerId) ?? { base: null, patches: [] }
  part.states.set(write.customerId, state)
  if (write.kind === 'base') {
    state.base = write.bytes
    state.patches = []
  } else {
    state.patches.push(write.bytes)
  }
}

function setMeta(data: Data, partition: number, change: Partial<Meta>): void {
  const part = data.parts.get(partition)
  if (part !== undefined) part.meta = { ...part.meta, ...change }
}

function emptyData(): Data {
  return { cluster: null, packs: new Map(), parts: new Map() }
}

function copyOf(data: Data): Data {
  const parts = new Map<number, Part>()
  for (const [partition, { meta, states, outbox, tombstones, due }] of data.parts) {
    const copied: Part['states'] = new Map()
    for (const [id, { base, patches }] of states) copied.set(id, { base, patches: [...patches] })
    const rest = { outbox: new Map(outbox), tombstones: new Map(tombstones), due: new Map(due) }
    parts.set(partition, { meta, states: copied, ...rest })
  }
  return { cluster: data.cluster, packs: new Map(data.packs), parts }
}
