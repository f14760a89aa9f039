import { expect, test } from 'vitest'
import { dashboard, type Snapshot } from '../../../bench/demo/dashboard.ts'

const plain = (_style: unknown, text: string): string => text
const many: [string, number][] = Array.from({ length: 20 }, (_, i) => [
  `a-guardrail-with-a-very-long-name-${i}`,
  1_234_567,
])
const snapshot: Snapshot = {
  clock: '20:15',
  minute: 1215,
  received: 1_999_999,
  expected: 2_000_000,
  perSecond: 33_123,
  perSecondMax: 133_123,
  deadLettered: 1_234_567,
  duplicates: 1_234_567,
  tally: {
    decisions: 1_234_567,
    byOutcome: { offered: 1_234_567, fallback: 1_234_567, none: 1_234_567 },
    byOffer: many,
    byGuardrail: many,
    byCap: many,
    byRecall: many,
    quiet: { held: 0, sent: 0, notSent: 0, switched: 0, dropped: 0 },
    byFallback: [],
  },
  latency: { p50: 1_234.5, p99: 123_456.7, p999: 1, max: 1 },
  recentMaxMs: 123_456.7,
}

test('the panel fits its window at every usual size', () => {
  for (const width of [59, 79, 119]) {
    for (const height of [10, 24, 50]) {
      const lines = dashboard(snapshot, { width, height }, plain)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
      expect(lines.length).toBeLessThan(height)
    }
  }
})

test('the panel shows what was offered and what was stopped', () => {
  const text = dashboard(
    {
      ...snapshot,
      tally: { ...snapshot.tally, byOffer: [['fx_wallet', 12]], byGuardrail: [['no-sms', 7]], byCap: [['fx-week', 9]] },
    },
    { width: 79, height: 30 },
    plain,
  ).join('\n')
  expect(text).toMatch(/fx_wallet +12 {2}cap fx-week +9\n +no-sms +7/)
})
