/** This node's part of an activation: compiles a kept pack on all its shards and on the main thread, and goes over to it. */
import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedPack, Model } from '../../rules/model.ts'
import type { Timing } from '../clock.ts'
import type { RuleWatch } from '../shard/rule-watch.ts'
import type { Past } from '../shard/series-past.ts'
import type { ShardPacks } from '../shard/shard-packs.ts'
import type { PackTask } from '../shard/shard-port.ts'
import type { Cluster, Store } from '../store/store.ts'
import type { ShardPack } from './activation.ts'
import { mendRecord } from './mend-record.ts'
import { latestOf, type ObservedLater, observedLater } from './observed-later.ts'
import type { PackInForce } from './pack-in-force.ts'
import {
  faultOf,
  packNotKept,
  recordGone,
  shardsBehind,
  type TakeUpFault,
  type TakeUpNews,
  type TakeUpTrouble,
  TakeUpWatch,
} from './take-up-watch.ts'

export type NodePacksParts = {
  readonly store: Pick<Store, 'cluster' | 'putCluster' | 'pack' | 'meta'>
  readonly packs: Pick<ShardPacks, 'prepare' | 'forget' | 'switchTo' | 'runs'>
  readonly watch: Pick<RuleWatch, 'prepare' | 'switchTo'>
  readonly inForce: PackInForce
  /** Name of the node. */
  readonly node: string
  readonly timing: Pick<Timing, 'elapsed'>
  /** Unix milliseconds. */
  readonly now: () => number
  /** Compiles beside everything else that the main thread does. */
  readonly compile: (loaded: LoadedPack) => Promise<CompiledPack>
  /** How long shards have to confirm that they run a pack, milliseconds. */
  readonly switchWithinMs: number
  /** The main thread's other parts go over. */
  readonly onSwitched: (pack: CompiledPack, cluster: Cluster) => void
  /** Hears when this node cannot take up the pack in force, and when that is over. */
  readonly onTakeUp: (news: TakeUpNews) => void
}

/** What a node is asked to prepare. */
export type Preparing = { readonly packHash: string; readonly past: Past }

/** `busy`: another activation is prepared here. `unknown`: the store keeps no such pack. */
export type NodePrepared =
  | { readonly kind: 'prepared'; readonly node: string; readonly shards: number }
  | { readonly kind: 'failed'; readonly node: string; readonly missing: readonly number[] }
  | { readonly kind: 'busy' | 'unknown'; readonly node: string }

/** Which packs the shards of a node run; `missing`: those that did not confirm the pack in force. */
export type NodeRuns = {
  readonly node: string
  readonly shards: readonly ShardPack[]
  readonly missing: readonly number[]
  /** What keeps the node from taking up the pack in force; null: nothing. */
  readonly trouble: TakeUpTrouble | null
}

/** What is ready is kept for so long behind the time it had, for the record to follow. */
const heldMs = 30_000

type Compiled = { readonly packHash: string; readonly text: string; readonly pack: CompiledPack }
type Ready = { readonly pack: CompiledPack; readonly task: PackTask; readonly until: number }

export class NodePacks {
  readonly #parts: NodePacksParts
  readonly #takingUp: TakeUpWatch
  #compiled: Compiled | null = null
  #ready: Ready | null = null
  /** One thing at a time. */
  #work: Promise<unknown> = Promise.resolve()
  #missing: readonly number[] = []
  /** What the record is still to say; it is tried again until it does. */
  #unsaid: ObservedLater | null = null

  constructor(parts: NodePacksParts) {
    this.#parts = parts
    this.#takingUp = new TakeUpWatch({ timing: parts.timing, now: parts.now, tell: parts.onTakeUp })
  }

  get activation(): number {
    return this.#parts.inForce.cluster.activations
  }

  /** A kept pack, compiled beside everything else that this thread does; null: the store keeps none such. @throws StoreError */
  async compile(packHash: string): Promise<CompiledPack | null> {
    return (await this.#compile(packHash))?.pack ?? null
  }

  /** The first step. @throws StoreError */
  prepare(asked: Preparing, withinMs: number): Promise<NodePrepared> {
    return this.#next(() => this.#prepare(asked, withinMs))
  }

  /** What was prepared for an activation is not wanted. */
  forget(activation: number): Promise<void> {
    return this.#next(async () => {
      if (this.#ready?.task.past.activations === activation) this.#drop()
    })
  }

  /** The second step: goes over to what the installation's record says. What keeps it from that is in the answer. @throws StoreError */
  takeUp(): Promise<NodeRuns> {
    return this.#next(async () => {
      try {
        this.#takingUp.note(await this.#takeUp())
      } catch (cause) {
        this.#takingUp.note(faultOf(cause))
        throw cause
      }
      return this.runs()
    })
  }

  /** What the shards of this node run. */
  runs(): NodeRuns {
    const { node, packs } = this.#parts
    const shards = packs.runs.map((runs) => ({ node, ...runs }))
    return { node, shards, missing: this.#missing, trouble: this.trouble }
  }

  /** What keeps this node from taking up the pack in force; null: nothing. */
  get trouble(): TakeUpTrouble | null {
    return this.#takingUp.trouble
  }

  /** One look at the record; null: the node runs what it says. */
  async #takeUp(): Promise<TakeUpFault | null> {
    const { store, now, inForce } = this.#parts
    const stored = await store.cluster()
    if (stored === null) return recordGone
    const own = { activation: this.activation, pack: inForce.pack.loaded.hash }
    const mended = await mendRecord(store, stored, own, (hash) => this.compile(hash), now())
    // Somebody else changed the record at the same moment: the next look sees.
    if (mended === null) return this.trouble
    const { cluster, notKept } = mended
    const isOver = this.#ready !== null && this.#ready.until < this.#parts.timing.elapsed()
    const isToSwitch = this.#isOther(cluster) || this.#missing.length > 0
    if (!isToSwitch && isOver) this.#drop()
    const fault = isToSwitch ? await this.#switchTo(cluster) : null
    await this.#say()
    return notKept === null ? fault : packNotKept(notKept)
  }

  async #prepare({ packHash, past }: Preparing, withinMs: number): Promise<NodePrepared> {
    const { node, packs, watch, inForce } = this.#parts
    if (inForce.cluster.activations === past.activations && inForce.pack.loaded.hash === packHash)
      return { kind: 'prepared', node, shards: packs.runs.length }
    const started = this.#parts.timing.elapsed()
    const isOther = this.#ready !== null && this.#ready.task.packHash !== packHash
    if (isOther && this.#ready !== null && this.#ready.until > started) return { kind: 'busy', node }
    const compiled = await this.#compile(packHash)
    if (compiled === null) return { kind: 'unknown', node }
    const { pack, text: model } = compiled
    const task: PackTask = { packHash, model, rules: watch.prepare(pack.loaded.model), past }
    const left = withinMs - (this.#parts.timing.elapsed() - started)
    const missing = await packs.prepare(task, Math.max(1, left))
    if (missing.length > 0) {
      this.#drop()
      return { kind: 'failed', node, missing }
    }
    this.#ready = { pack, task, until: this.#parts.timing.elapsed() + withinMs + heldMs }
    return { kind: 'prepared', node, shards: packs.runs.length }
  }

  /** What keeps this node from running what the record says; null: nothing any more. */
  async #switchTo(cluster: Cluster): Promise<TakeUpFault | null> {
    const { packs, watch, inForce, switchWithinMs } = this.#parts
    const ready = await this.#readyFor(cluster)
    if (ready === null) return packNotKept({ activation: cluster.activations, pack: cluster.pack })
    const { pack, task } = ready
    const switched = await packs.switchTo(pack, task, switchWithinMs)
    this.#missing = switched.missing
    watch.switchTo(task.rules)
    if (this.#isOther(cluster)) {
      inForce.switchTo(pack, cluster)
      this.#parts.onSwitched(pack, cluster)
    }
    this.#ready = null
    this.#compiled = null
    this.#unsaid = latestOf(this.#unsaid, { activation: cluster.activations, series: switched.observedLater })
    return shardsBehind(switched.missing, cluster)
  }

  async #say(): Promise<void> {
    if (this.#unsaid === null) return
    await observedLater(this.#parts.store, this.#unsaid.activation, this.#unsaid.series)
    this.#unsaid = null
  }

  /** What was prepared for the record, else what is prepared now: this node was away, or a thread of it is another one. null: the pack is not kept. */
  async #readyFor(cluster: Cluster): Promise<Pick<Ready, 'pack' | 'task'> | null> {
    const { packs, watch, switchWithinMs } = this.#parts
    const ready = this.#ready
    if (ready?.task.packHash === cluster.pack && ready.task.past.activations === cluster.activations)
      return { pack: ready.pack, task: { ...ready.task, past: cluster } }
    const compiled = await this.#compile(cluster.pack)
    if (compiled === null) return null
    const { pack, text: model } = compiled
    const task = { packHash: cluster.pack, model, rules: watch.prepare(pack.loaded.model), past: cluster }
    // A shard that does not is begun anew with it.
    await packs.prepare(task, switchWithinMs)
    return { pack, task }
  }

  /** What is compiled here comes with its own text: another pack may be compiled at the same time. */
  async #compile(packHash: string): Promise<Compiled | null> {
    if (this.#compiled?.packHash === packHash) return this.#compiled
    const text = await this.#parts.store.pack(packHash)
    if (text === null) return null
    const model: Model = JSON.parse(text)
    const compiled = { packHash, text, pack: await this.#parts.compile({ model, hash: packHash }) }
    this.#compiled = compiled
    return compiled
  }

  /** Whether the record names another activation than this node runs. A store that lost the record of one may number the next one the same. */
  #isOther({ activations, pack }: Cluster): boolean {
    return (
      activations > this.activation ||
      (activations === this.activation && pack !== this.#parts.inForce.pack.loaded.hash)
    )
  }

  #drop(): void {
    this.#ready = null
    this.#compiled = null
    this.#parts.packs.forget()
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = this.#work.then(work, work)
    this.#work = next.catch(() => undefined)
    return next
  }
}
