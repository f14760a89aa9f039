/** Garbage collections of the thread it is called in. */
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

export type GcKind = 'scavenge' | 'mark-compact' | 'incremental' | 'other'

/** One collection: when it began on the clock all processes share (`sharedNow`), and how long it stopped the thread. */
export type Collection = { readonly at: number; readonly kind: GcKind; readonly ms: number }

/** Milliseconds of the monotonic clock, the same in every process and thread of the machine. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Reports every collection from now on; stop it with the function returned. */
export function onCollection(report: (collection: Collection) => void): () => void {
  const shift = sharedNow() - performance.now()
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = kindOf('detail' in entry ? entry.detail : null)
      report({ at: entry.startTime + shift, kind, ms: entry.duration })
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

/** Counts until it is stopped; figures for a result. */
export function watchCollections(): { stop(): Promise<Readonly<Record<string, number>>> } {
  const seen: Collection[] = []
  const forget = onCollection((collection) => seen.push(collection))
  return {
    async stop() {
      // Collections are reported in a later turn.
      await sleep(50)
      forget()
      return summarise('gc', seen)
    },
  }
}

/** Number and longest pause by kind. */
export function summarise(thread: string, collections: readonly Collection[]): Readonly<Record<string, number>> {
  const figures: Record<string, number> = {}
  for (const kind of ['scavenge', 'mark-compact', 'incremental', 'other'] as const) {
    const of = collections.filter((one) => one.kind === kind)
    if (of.length === 0 && (kind === 'incremental' || kind === 'other')) continue
    figures[`${thread}: ${kind}, number`] = of.length
    figures[`${thread}: ${kind}, longest ms`] = Math.max(0, ...of.map(({ ms }) => ms))
  }
  return figures
}

/** `detail.kind` of an entry: bits of V8's collection types. */
function kindOf(detail: unknown): GcKind {
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : 0
  if (kind === 1 || kind === 2) return 'scavenge'
  if (kind === 4) return 'mark-compact'
  return kind === 8 ? 'incremental' : 'other'
}
