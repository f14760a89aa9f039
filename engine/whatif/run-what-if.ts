/** A what-if from the order to the report: where history begins, how long it will take, slice after slice. */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { compilePack } from '../../rules/compile-pack.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { loadPackFiles } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { certify } from '../proof/certify.ts'
import { askBeyondMs, type Candidate, type FromWhatIf, type WhatIfOrder, type WhatIfProgress } from './messages.ts'
import type { PastHistory } from './past-history.ts'
import type { PastRange } from './read-past.ts'
import { reportOf } from './report.ts'
import { SharedRows } from './shared-rows.ts'
import { type Assumptions, WhatIfError } from './side.ts'
import { startSide } from './start-side.ts'

type Ended = Exclude<FromWhatIf, { kind: 'progress' }>

const dayMs = 86_400_000
const progressEveryMs = 500
/** Inputs a second that an estimate counts with before anything was measured. */
const usualSpeed = 30_000
/** The longest that a warm-up is by itself: windows that look back further are told as not complete. */
const warmupMostDays = 90

/**
 * Works a what-if out.
 * @throws WhatIfError, and what the source of history throws
 */
export async function runWhatIf(
  history: PastHistory,
  order: WhatIfOrder,
  tell: (progress: WhatIfProgress) => void,
): Promise<Ended> {
  const started = performance.now()
  const compiled = compileCandidate(order.candidate)
  if (compiled.kind === 'refused') return compiled
  const { pack: next } = compiled
  const current = compilePack(order.current)

  const from = order.to - order.days * dayMs
  const warmupMs = order.warmupDays === null ? warmupOf([current, next]) : order.warmupDays * dayMs
  const startsAt = await history.startsAt()
  if (startsAt === null || startsAt >= order.to)
    throw new WhatIfError(
      'history_missing',
      'History holds no batches of these days: nothing came in, or it is from before they were recorded. Give more days, or ask again when there was traffic.',
    )
  const warmedFrom = Math.max(startsAt, from - warmupMs)
  const windowFrom = Math.max(from, warmedFrom)
  const of = await history.count(warmedFrom, order.to)
  const expectedMs = (of / usualSpeed) * 1_000
  if (!order.confirmed && expectedMs > askBeyondMs)
    return refused(
      'too_long',
      `It would go through about ${of.toLocaleString('en-US')} events and take about ${hoursOf(expectedMs)} hours. Say that this is meant (--yes), or look at fewer days.`,
    )
  const begin = await history.begin(warmedFrom)
  const assumptions: Assumptions = {
    ...{ warmedFrom, from: windowFrom },
    learned: order.learned,
    salt: order.salt,
    bankBytes: order.bankBytes,
    // What happened before the first start is as complete as the installation says it is.
    observedSince: begin.isWhole ? order.completeSince : warmedFrom,
    stockLeft: await history.stockLeft(windowFrom, resourcesOf(order.current)),
  }
  const range: PastRange = { after: begin.after, from: warmedFrom, to: order.to, windowFrom, isFollowed: false }
  const steppedFrom = performance.now()
  const cpuBefore = process.cpuUsage()
  let toldAt = 0
  const onProgress = (inputs: number): void => {
    const tookMs = performance.now() - started
    if (tookMs - toldAt < progressEveryMs) return
    toldAt = tookMs
    tell({ inputs, of, tookMs, leftMs: inputs === 0 ? null : (tookMs / inputs) * Math.max(0, of - inputs) })
  }
  // What one pack does is not stepped twice.
  const packs = next.loaded.hash === current.loaded.hash ? [current] : [current, next]
  const rows = new SharedRows(history.rows, packs.length)
  const { schemas, partitions } = order.past
  const sides = packs.map((pack, i) => {
    const sideOrder = { schemas, partitions, range, pack: pack.loaded, isCompared: i === 0, assumptions }
    return startSide(sideOrder, rows, i === 0 ? onProgress : () => undefined)
  })
  try {
    const [now, then = now] = await Promise.all(sides.map(({ data }) => data))
    assert(now !== undefined && then !== undefined, 'there is a side')
    const tookMs = performance.now() - steppedFrom
    const cpu = process.cpuUsage(cpuBefore)
    const frame = { warmedFrom, from: windowFrom, liveUs: order.liveUs, tookMs, cpuUs: cpu.user + cpu.system }
    return { kind: 'done', report: reportOf({ current: now, next: then }, frame) }
  } finally {
    await Promise.all(sides.map((side) => side.end()))
  }
}

/** The candidate version ready to be stepped, or why it is refused: what could not be put in force is not tried over weeks of history. */
export function compileCandidate(candidate: Candidate): { readonly kind: 'ok'; readonly pack: CompiledPack } | Refused {
  if (candidate.kind === 'loaded') return { kind: 'ok', pack: compilePack(candidate.pack) }
  const { files } = candidate
  const result = loadPackFiles(files)
  if (result.kind === 'refused') {
    const text = `The pack has ${result.problems.length} problems; see \`proffer check\`.`
    return { ...refused('pack_refused', text), problems: result.problems }
  }
  const pack = compilePack(result.pack)
  const { certificate, counterexamples } = certify(pack)
  if (certificate.verdict === 'proven') return { kind: 'ok', pack }
  const [first = ''] = counterexamples
  return refused('pack_refused', `The pack is not proven; see \`proffer check\`. ${first}`)
}

/** A pack's resources, as history is asked about them. */
export function resourcesOf({ hash, model }: LoadedPack): {
  readonly hash: string
  readonly resources: readonly string[]
} {
  return { hash, resources: model.resources.map(({ id }) => id) }
}

/** How long a warm-up is by itself, milliseconds: as long as any window of the packs looks back, and any rule about contacts. */
export function warmupOf(packs: readonly CompiledPack[]): number {
  const reaches = packs.flatMap(({ layout }) => [layout.contactsMs, ...layout.series.map((one) => one.retentionMs)])
  const longest = reaches.reduce((most, one) => (Number.isFinite(one) ? Math.max(most, one) : most), 0)
  return Math.min(longest, warmupMostDays * dayMs)
}

type Refused = Extract<Ended, { kind: 'refused' }>

function refused(code: Refused['code'], message: string): Refused {
  return { kind: 'refused', code, message, problems: [] }
}

function hoursOf(ms: number): string {
  return (ms / 3_600_000).toFixed(1)
}
