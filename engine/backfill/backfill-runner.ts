import type { CompiledPack } from '../../rules/compiled.ts'
import type { Timing } from '../clock.ts'
import type { LocalShards } from '../shard/all-partitions.ts'
import type { Trusts } from '../shard/event-frame.ts'
import { backOffMs, longerPause } from '../shard/partition-options.ts'
import { seriesOf } from '../shard/series-past.ts'
import type { Progress } from '../shard/shard-port.ts'
import type { Cluster, Fill, Store } from '../store/store.ts'
import { filledIn, hasFinished, nextBackfill } from './backfill-job.ts'
import { type FillEnd, fillPartition } from './fill-partition.ts'
import type { SearchedLog } from './offset-at.ts'

export type RunnerOptions = {
  readonly store: Pick<Store, 'cluster' | 'putCluster' | 'meta'>
  readonly shards: Pick<LocalShards, 'running' | 'fill' | 'learn'>
  readonly log: SearchedLog
  readonly trusts: Trusts
  readonly pack: CompiledPack
  /** The installation's record at the start. */
  readonly cluster: Cluster
  readonly timing: Timing
  /** Memory for the ids that a partition's backfill remembers. */
  readonly fillBytes: number
}

/** What this process did for backfills since its start. */
export type FillCounts = { readonly read: number; readonly added: number }

/** How often the installation's record is looked at: others change it too. */
const lookEveryMs = 2_000

/**
 * Does this process's part of the installation's backfill: one partition of those that run here after the other. Whoever finds that all
 * are done writes so into the record. Sees to it that the shards act by the record as it is now. Failures are tried again for as long
 * as the process runs.
 */
export class BackfillRunner {
  readonly #options: RunnerOptions
  #cluster: Cluster
  #problem: string | null = null
  #read = 0
  #added = 0
  #stopping = false
  #running: Promise<void> = Promise.resolve()
  #wake: () => void = () => {}
  #isWoken = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#cluster = options.cluster
  }

  /** The installation's record as it was at the last look. */
  get cluster(): Cluster {
    return this.#cluster
  }

  get counts(): FillCounts {
    return { read: this.#read, added: this.#added }
  }

  /** What keeps it from going on, in a sentence; null: nothing. */
  get problem(): string | null {
    return this.#problem
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Looks at the record at once. */
  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** Ends behind the step under way; the backfill goes on with the next start. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.wake()
    await this.#running
  }

  async #run(): Promise<void> {
    let pauseMs: number = backOffMs.least
    while (!this.#stopping) {
      try {
        await this.#look()
        const ends = await this.#fillRunning()
        if (ends.length === 0) await this.#finish()
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
    const { store, shards, pack } = this.#options
    const cluster = await store.cluster()
    if (cluster === null || cluster.pack !== pack.loaded.hash) return
    this.#cluster = cluster
    if (Object.keys(cluster.added).length > 0) await shards.learn(cluster)
  }

  /** How the partitions ended that had something to do. */
  async #fillRunning(): Promise<readonly FillEnd[]> {
    const ends: FillEnd[] = []
    for (const [partition, progress] of this.#options.shards.running()) {
      if (this.#stopping) break
      const number = nextBackfill(this.#cluster, progress.fill)
      if (number !== null) ends.push(await this.#fill(partition, number, progress))
    }
    return ends
  }

  #fill(partition: number, number: number, { fill, next }: Progress): Promise<FillEnd> {
    const series = seriesOf(this.#cluster, number)
    const since = series.map((definition) => this.#cluster.observedSince[definition] ?? 0)
    return fillPartition(
      {
        ...this.#options,
        layout: this.#options.pack.layout,
        completeSince: this.#cluster.completeSince,
        isWanted: () => !this.#stopping,
        onStep: (read, added) => {
          this.#read += read
          this.#added += added
        },
      },
      { partition, number, series, observedSince: Math.max(...since), next },
      fill,
    )
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

function problemOf(ends: readonly FillEnd[]): string | null {
  if (ends.includes('full'))
    return 'More event ids fall into the lateness than BACKFILL_MAX_MB has room for: set more and start again.'
  return null
}

function sentenceOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return `The log or the store could not be read (${code}); trying again.`
}
