/** Another pack of another layout comes into force in the memory that the shard has: as much again would have V8 collect meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nothingAdded } from '../../../engine/store/store.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { loadPatched } from '../../rules/patched-pack.ts'
import { portOver } from './port-over.ts'

/** As much as `portOver` gives customers. */
const cacheBytes = 2 ** 24

async function packs(): Promise<readonly [LoadedPack, LoadedPack]> {
  const more = `
  - id: layout_online_30d
    kind: count
    event: card.purchase
    where: event.channel == "online"
    window: 30d
`
  const [own, other] = await Promise.all([
    loadPatched([]),
    loadPatched([{ file: 'features.yaml', from: '', to: more }]),
  ])
  if (own.result.kind !== 'ok' || other.result.kind !== 'ok') throw new Error('both packs load')
  return [own.result.pack, other.result.pack]
}

test('packs of other layouts come into force one after another in the memory of the first', async () => {
  const [own, other] = await packs()
  const dir = mkdtempSync(join(tmpdir(), 'proffer-layout-'))
  const shard = portOver({ kind: 'lmdb', dir }, own, () => ({}))
  try {
    for (let activations = 1; activations <= 4; activations++) {
      const { hash: packHash, model } = activations % 2 === 1 ? other : own
      const past = { observedSince: {}, ...nothingAdded, activations }
      const rules = ruleNames(model).map((_, i) => i + 1)
      const before = process.memoryUsage().arrayBuffers
      const prepared = await shard.prepare({ packHash, model: JSON.stringify(model), rules, past })
      expect(prepared).toEqual({ kind: 'prepared', packHash })
      // The pack before is still in force, with its customers.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(cacheBytes / 2)
      expect(await shard.switchTo(past, packHash)).toMatchObject({ kind: 'switched', packHash })
    }
    expect((await shard.usage()).maxBytes).toBe(cacheBytes)
  } finally {
    await shard.close()
    rmSync(dir, { recursive: true, force: true })
  }
}, 60_000)
