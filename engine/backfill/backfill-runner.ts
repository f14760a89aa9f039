import type { CompiledPack } from '../../rules/compiled.ts'
import type { Clock, Timing } from '../clock.ts'
import { InstallationError } from '../installation-error.ts'
import type { LocalShards } from '../shard/all-partitions.ts'
import type { Trusts } from '../shard/event-frame.ts'
import { backOffMs, longerPause } from '../shard/partition-options.ts'
import { seriesOf } from '../shard/series-past.ts'
import type { Progress } from '../shard/shard-port.ts'
import type { Cluster, Fill, Store } from '../store/store.ts'
import { begunBackfill, filledIn, haltedBackfill, hasFinished, isUnderWay, nextBackfill } from './backfill-job.ts'
import { type BackfillStatus, backfillStatus } from './backfill-status.ts'
import { type FillEnd, fillPartition } from './fill-partition.ts'
import type { SearchedLog } from './offset-at.ts'

export type RunnerOptions = {
  readonly store: Pick<Store, 'cluster' | 'putCluster' | 'meta'>
  readonly shards: Pick<LocalShards, 'running' | 'fill' | 'learn'>
  readonly log: SearchedLog
  readonly trusts: Trusts
  /** In force at the start. */
  readonly pack: CompiledPack
  /** The installation's record at the start. */
  readonly cluster: Cluster
  /** Tells until when a backfill may go on. */
  readonly clock: Clock
  readonly timing: Timing
  /** Records of one step; 256 when absent. */
  readonly pageRecords?: number
}

/** What this process did for backfills since its start. */
export type FillCounts = { readonly read: number; readonly added: number }

/** How often the installation's record is looked at: others change it too. */
const lookEveryMs = 2_000
/** Others may change the record between reading and writing it. */
const attemptsMax = 5

/**
 * Does this process's part of the installation's backfill: one partition of those that run here after the other. Whoever finds that all
 * are done writes so into the record. Sees to it that the shards act by the record as it is now. Failures are tried again for as long
 * as the process runs.
 */
export class BackfillRunner {
  readonly #options: RunnerOptions
  #cluster: Cluster
  #pack: CompiledPack
  #isStarted = false
  #isRunning = false
  #problem: string | null = null
  #read = 0
  #added = 0
  #lookedAt = 0
  #stopping = false
  #running: Promise<void> = Promise.resolve()
  #wake: () => void = () => {}
  #isWoken = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#pack = options.pack
  }

  /** The installation's record as it was at the last look. */
  get cluster(): Cluster {
    return this.#cluster
  }

  get counts(): FillCounts {
    return { read: this.#read, added: this.#added }
  }

  /** A pack that has what the first one had gets nothing to fill. */
  start(): void {
    this.#isStarted = true
    if (this.#isRunning || Object.keys(this.#cluster.added).length === 0) return
    this.#isRunning = true
    this.#running = this.#run()
  }

  /** Another pack is in force: a backfill goes on with what is left of it. */
  switchTo(pack: CompiledPack, cluster: Cluster): void {
    this.#pack = pack
    this.#cluster = cluster
    if (this.#isStarted && !this.#stopping) this.start()
    this.#lookNow()
  }

  /**
   * Begins a backfill of every series that is not filled, or goes on with the one that was halted, until `withinMs` are over.
   * @throws StoreError, and `changed_meanwhile` when others keep changing the record
   */
  async begin(withinMs: number): Promise<BackfillStatus> {
    await this.#change((cluster) => begunBackfill(cluster, this.#options.clock.now() + withinMs))
    return this.status()
  }

  /** Halts the backfill in progress, on all nodes, where it is. Fails as `begin` does. */
  async halt(): Promise<BackfillStatus> {
    await this.#change((cluster) => haltedBackfill(cluster, 'asked'))
    return this.status()
  }

  /** How far it is, over all nodes; a problem that only another node met is not in it. @throws StoreError */
  async status(): Promise<BackfillStatus> {
    const { store, clock } = this.#options
    const pack = this.#pack
    const stored = await store.cluster()
    const cluster = this.#isOurs(stored) ? stored : this.#cluster
    const metas = await Promise.all(Array.from({ length: cluster.partitions }, (_, partition) => store.meta(partition)))
    const status = backfillStatus(cluster, pack.layout, { metas, now: clock.now(), problem: this.#problem })
    return this.#isOurs(stored) ? status : { ...status, state: 'halted', problem: lostSentence }
  }

  /** Ends behind the step under way; the backfill goes on with the next start. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#lookNow()
    await this.#running
  }

  #lookNow(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** Changes the installation's record; null: it stays. */
  async #change(changed: (cluster: Cluster) => Cluster | null): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const cluster = await this.#options.store.cluster()
      const next = this.#isOurs(cluster) ? changed(cluster) : null
      if (next === null || cluster === null) return
      if (await this.#options.store.putCluster(next, cluster)) {
        this.#cluster = next
        this.#lookNow()
        return
      }
    }
    throw new InstallationError('changed_meanwhile', 'Others change the installation at the same moment. Ask again.')
  }

  async #run(): Promise<void> {
    let pauseMs: number = backOffMs.least
    while (!this.#stopping) {
      try {
        await this.#look()
        const ends = await this.#fillRunning()
        if (ends.length === 0) await this.#finish()
        if (ends.includes('full')) await this.#change((cluster) => haltedBackfill(cluster, 'full'))
        this.#problem = problemOf(ends)
        pauseMs = ends.length > 0 && ends.every((end) => end === 'finished') ? 0 : lookEveryMs
      } catch (error) {
        this.#problem = sentenceOf(error)
        pauseMs = Math.min(longerPause(Math.max(pauseMs, backOffMs.least)), lookEveryMs)
      }
      await this.#pause(pauseMs)
    }
  }

  /** Reads the record. A shard's thread that was replaced knows the one of the start, so it is told again. */
  async #look(): Promise<void> {
    const { store, shards, timing } = this.#options
    this.#lookedAt = timing.elapsed()
    const cluster = await store.cluster()
    if (!this.#isOurs(cluster)) return
    this.#cluster = cluster
    if (Object.keys(cluster.added).length > 0) await shards.learn(cluster)
  }

  /** A record of another pack is not this runner's: this node takes that one up first, or the store lost the activation. */
  #isOurs(cluster: Cluster | null): cluster is Cluster {
    return cluster !== null && cluster.pack === this.#pack.loaded.hash
  }

  /** How the partitions ended that had something to do. */
  async #fillRunning(): Promise<readonly FillEnd[]> {
    const ends: FillEnd[] = []
    for (const [partition, progress] of this.#options.shards.running()) {
      if (this.#stopping) break
      const number = nextBackfill(this.#cluster, progress.fill, this.#options.clock.now())
      if (number !== null) ends.push(await this.#fill(partition, number, progress))
    }
    return ends
  }

  #fill(partition: number, number: number, { fill, next }: Progress): Promise<FillEnd> {
    const pack = this.#pack
    const series = seriesOf(this.#cluster, number)
    const since = series.map((definition) => this.#cluster.observedSince[definition] ?? 0)
    return fillPartition(
      {
        ...this.#options,
        layout: pack.layout,
        completeSince: this.#cluster.completeSince,
        isWanted: () => this.#isWanted(number, pack),
        onStep: (read, added) => {
          this.#read += read
          this.#added += added
        },
      },
      { partition, number, series, observedSince: Math.max(...since), next },
      fill,
    )
  }

  /** Other nodes halt it too, so the record is looked at now and then. */
  async #isWanted(number: number, pack: CompiledPack): Promise<boolean> {
    if (this.#options.timing.elapsed() - this.#lookedAt > lookEveryMs) await this.#look()
    const { backfill } = this.#cluster
    if (this.#stopping || pack !== this.#pack) return false
    return number !== backfill.number || backfill.series.length === 0 || isUnderWay(backfill, this.#options.clock.now())
  }

  /** Writes down that the backfill is done when every partition, here and elsewhere, has finished it. */
  async #finish(): Promise<void> {
    const { store } = this.#options
    const cluster = this.#cluster
    if (cluster.backfill.series.length === 0) return
    const fills: Fill[] = []
    for (let partition = 0; partition < cluster.partitions; partition++) {
      const meta = await store.meta(partition)
      if (meta === null || !hasFinished(cluster, meta) || meta.fill === null) return
      fills.push(meta.fill)
    }
    // Another process may have done it: then this one reads so.
    await store.putCluster(filledIn(cluster, fills), cluster)
    await this.#look()
  }

  async #pause(ms: number): Promise<void> {
    const { timing } = this.#options
    if (!this.#isWoken && !this.#stopping && ms > 0) {
      await new Promise<void>((resolve) => {
        const callOff = timing.after(ms, resolve)
        this.#wake = () => {
          callOff()
          resolve()
        }
      })
    }
    this.#isWoken = false
    this.#wake = () => {}
  }
}

const lostSentence =
  'The store has lost that this pack was put in force. Start one node again: that puts it in force anew, and what is filled stays.'

const quarantinedSentence =
  'A feature that counts the same events is out of service; nothing is passed over. It goes on when the rule is put back: `proffer quarantine`.'
const failedSentence =
  'The filter of a feature threw on an event of the log; nothing is passed over. Trying again; it takes another release or pack if it does not pass.'

function problemOf(ends: readonly FillEnd[]): string | null {
  if (ends.includes('quarantined')) return quarantinedSentence
  if (ends.includes('filter_failed')) return failedSentence
  if (ends.includes('behind')) return 'Events wait to be counted, which comes first; going on when they are.'
  if (ends.includes('away')) return 'A partition does not run here at present; trying again.'
  return null
}

function sentenceOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return `The log or the store could not be read (${code}); trying again.`
}
