/** Goal: what a rule throws is counted once a batch, however often stock that was refused has the batch stepped again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RuleBoard } from '../../../engine/shard/rule-board.ts'
import { guardsOf } from '../../../engine/shard/rule-guards.ts'
import { ShardCore } from '../../../engine/shard/shard-core.ts'
import { ShardRules } from '../../../engine/shard/shard-rules.ts'
import { createStates } from '../../../engine/state/flat-states.ts'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { initStore } from '../../../engine/store/init-store.ts'
import { openLmdbResources } from '../../../engine/store/lmdb-resources.ts'
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import { nothingAdded, storeFormat } from '../../../engine/store/store.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { openCodecs } from '../../../sinks/codecs.ts'
import { giftPack } from './stock-bank.ts'

const rule = 'guardrail:no-lifestyle-credit-for-students'
const customers = 20

/** One batch in which so many gifts are asked for by more customers: how often it was stepped, and what the rule threw. */
async function throwsOf(units: number): Promise<{ readonly steps: number; readonly throws: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-again-'))
  const store = openLmdbStore({ dir: join(dir, 'store') })
  const resources = openLmdbResources({ dir: join(dir, 'resources') })
  try {
    const loaded = await giftPack({ units })
    const cluster = { format: storeFormat, partitions: 1, clock: 'wall', log: '', salt: 's', completeSince: 0 } as const
    await initStore(store, { ...cluster, pack: loaded.hash, observedSince: {}, ...nothingAdded })
    for (const { id, units: own } of loaded.model.resources) await resources.define(id, own)
    const names = ruleNames(loaded.model)
    const board = new RuleBoard(RuleBoard.make(names.length, 1))
    const mark = board.markOf(0)
    const pack = compilePack(loaded, guardsOf(names, board, mark, { rule, how: 'throw', from: 1 }))
    const states = createStates(pack.layout, { maxBytes: 2 ** 22, observedSince: pack.layout.series.map(() => 0) })
    const context = createStepContext(pack, states, 's')
    let steps = 0
    const core = new ShardCore({
      store,
      resources,
      states,
      context,
      rules: new ShardRules({ board, mark, pack, context, learned: null }),
      codecs: openCodecs({ kind: 'own' }),
      partitions: 1,
      clock: 'wall',
      failpoint: (name) => void (name === 'stepped' && steps++),
      past: { observedSince: {}, ...nothingAdded },
      fillBytes: 2 ** 20,
    })
    expect(await core.acquire(0, 'token', '')).toMatchObject({ kind: 'acquired' })
    const requests = Array.from({ length: customers }, (_, index) => {
      return { index, customerId: `C${index}`, requestId: `r${index}`, placement: 'home-banner', count: 1 }
    })
    const rest = { events: null, records: [], published: 0, dpos: 0, flush: false, notAfter: null, takesDue: false }
    const result = await core.batch({ partition: 0, now: Date.UTC(2026, 2, 2, 8), requests, ...rest })
    expect(result.kind).toBe('done')
    return { steps, throws: board.throws(names.indexOf(rule) + 1) }
  } finally {
    await store.close()
    await resources.close()
    await rm(dir, { recursive: true, force: true })
  }
}

test('a batch that is stepped again because stock was refused counts what its rules throw once', async () => {
  const [enough, few] = [await throwsOf(2 * customers), await throwsOf(7)]
  expect(enough.steps).toBe(1)
  expect(few.steps).toBeGreaterThan(1)
  expect(enough.throws).toBeGreaterThan(0)
  expect(few.throws).toBe(enough.throws)
})
