/**
 * Bytes a customer takes: `node bench/state/bytes.ts [--json]`.
 * Typical: 20 events a day for 30 days, 20 features over 7 series. Heaviest: 4,000 events a day for 60 days to every series,
 * contacts and event ids at their bounds. Stored means base and patches, the mean and the most over the commits of a month.
 */
import { createStates, type FlatStates } from '../../engine/state/flat-states.ts'
import type { Stored, Write } from '../../engine/state/states.ts'
import { type BenchResult, machine, printResult } from '../report.ts'
import { bankLayout, DAY_MS, KINDS, START, seeded } from './bank.ts'

const TYPICAL = { name: 'typical', eventsADay: 20, days: 60, everySeries: false }
const HEAVIEST = { name: 'heaviest', eventsADay: 4_000, days: 60, everySeries: true }

type Life = typeof TYPICAL
type Sizes = { memory: number; base: number; storedMean: number; storedMost: number; patchMean: number }

/** Measures both lives, in a few seconds. */
export function benchBytes(): BenchResult {
  const figures: Record<string, number> = {}
  for (const life of [TYPICAL, HEAVIEST]) {
    const sizes = live(life)
    for (const [what, bytes] of Object.entries(sizes)) figures[`${life.name} ${what} bytes`] = Math.round(bytes)
  }
  return {
    name: 'state',
    ratios: {
      'typical stored at most, of 5 KB': (figures['typical storedMost bytes'] ?? 0) / 5120,
      'typical in memory, of 10 KB': (figures['typical memory bytes'] ?? 0) / 10240,
    },
    figures,
    machine: machine(),
  }
}

/** One customer's life, a commit an event; sizes are taken over the last 30 days. */
function live(life: Life): Sizes {
  const layout = bankLayout()
  const states = createStates(layout, { maxBytes: 8 << 20, observedSince: layout.series.map(() => 0) })
  const random = seeded(7)
  const events = life.eventsADay * life.days
  let stored: { base: Uint8Array | null; patches: Uint8Array[] } = { base: null, patches: [] }
  const slot = states.load(0, 'customer-000001', null)
  const sizes: number[] = []
  const patches: number[] = []
  for (let i = 0; i < events; i++) {
    const at = START + Math.floor((i * DAY_MS) / life.eventsADay + random() * 1000)
    states.begin(0)
    event(states, slot, life, { at, id: i }, random)
    for (const write of states.writes(0)) {
      stored = applied(stored, write)
      if (write.kind === 'patch') patches.push(write.bytes.length)
    }
    states.installed(0)
    if (i > events / 2) sizes.push(sizeOf(stored))
  }
  return {
    memory: states.bytesOf(slot),
    base: states.encode(slot).length,
    storedMean: mean(sizes),
    storedMost: sizes.reduce((most, size) => Math.max(most, size), 0),
    patchMean: mean(patches),
  }
}

function event(
  states: FlatStates,
  slot: number,
  life: Life,
  { at, id }: { at: number; id: number },
  random: () => number,
): void {
  states.remember(slot, id * 7919, id, at)
  if (id === 0) for (let attribute = 0; attribute < 8; attribute++) states.setAttribute(slot, attribute, attribute, at)
  const kind = KINDS[Math.floor(random() * KINDS.length)] ?? []
  const series = life.everySeries ? states.layout.series.map((_, index) => index) : kind
  // Each kind of event is of a type of its own, and comes from one of four systems.
  states.feed(slot, 4 + 2 * (KINDS.indexOf(kind) % 4), 3 + KINDS.indexOf(kind), at)
  for (const one of series) states.addEntry(slot, one, at, Math.floor(random() * (one === 3 ? 40 : 20_000)))
  const contacts = life.everySeries ? life.eventsADay / 20 : life.eventsADay * 4
  if (id % contacts === 0) {
    states.addContact(slot, {
      at,
      channel: 0x9000_0001,
      category: 0x9000_0002,
      offer: 7,
      class: 2,
      decision: id * 1e9,
      until: 0,
      answered: false,
      recalled: false,
    })
  }
}

function applied(stored: Stored, write: Write): { base: Uint8Array | null; patches: Uint8Array[] } {
  if (write.kind === 'erase') return { base: null, patches: [] }
  if (write.kind === 'base') return { base: write.bytes, patches: [] }
  return { base: stored.base, patches: [...stored.patches, write.bytes] }
}

function sizeOf(stored: Stored): number {
  return stored.patches.reduce((sum, patch) => sum + patch.length, stored.base?.length ?? 0)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(benchBytes())
