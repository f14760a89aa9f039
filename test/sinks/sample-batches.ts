/** Batches for tests of their bytes: one with something in every field, and one with nothing that can be left out. */
import type { Batch } from '../../sinks/batch.ts'

const at = Date.UTC(2026, 5, 1)

export const stepped: Batch = {
  partition: 3,
  seq: 41,
  prev: 38,
  kind: 'step',
  clock: 'event',
  now: at + 1_500,
  from: 900,
  next: 1_020,
  events: 118,
  steps: [
    {
      now: at,
      turn: 7,
      form: { pack: 'a1b2', learned: 'c3d4', quarantined: ['rule_a', 'rule_b'], revoked: ['crawler'] },
      series: { since: [0, at - 86_400_000], renamed: [{ index: 1, key: 'count:card.purchase' }] },
      requests: [{ customerId: 'anna', requestId: 'r-1', placement: 'app_home_banner', count: 2, personalised: false }],
      stock: {
        left: [12.5, 0],
        kept: ['claim-1'],
        refused: [{ id: 'claim-2', resource: 1, left: 0.25 }],
        taken: [{ input: 0, resource: 0, amount: 1.5 }],
      },
    },
    { now: at + 400, turn: 8, form: null, series: null, requests: [], stock: null },
  ],
  due: ['ben'],
  poisoned: [917],
  decisions: 4,
  fallbacks: [2],
  adopted: ['0f'.repeat(16)],
  filled: { number: 2, from: 10, to: 880, offsets: [12, 70], limits: [-1, 880] },
}

export const nothing: Batch = {
  ...stepped,
  prev: 40,
  kind: 'quiet',
  clock: 'wall',
  from: 900,
  next: 900,
  events: 0,
  steps: [],
  due: [],
  poisoned: [],
  decisions: 0,
  fallbacks: [],
  adopted: [],
  filled: null,
}
