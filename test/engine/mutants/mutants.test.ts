/**
 * What becomes of mistakes that nobody thought of: one thing of the sample pack is broken by rote, and the check, its proof or a
 * scenario has to notice. The mutants are drawn with a fixed seed; the floors are a little below what was measured, as another pack draws other mutants.
 */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { certify } from '../../../engine/proof/certify.ts'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import { hash32 } from '../../../ingest/hash.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { loadPackFiles } from '../../../rules/load-pack.ts'
import { loadScenarios } from '../../../rules/scenarios/load-scenarios.ts'
import { retailBank } from '../../rules/patched-pack.ts'
import { retailPack } from '../../rules/scenarios/retail-names.ts'
import { allMutants, type Mutant } from './mutants.ts'

const seed = 'mutants of November'
const drawn = 100

const loaded = await loadScenarios(retailBank, retailPack.model)
assert(loaded.kind === 'ok')
const scenarios = loaded.scenarios.map((scenario) => ({ scenario, text: JSON.stringify(scenario) }))

type Caught = 'check' | 'warning' | 'proof' | 'scenarios' | 'nobody'

function caughtBy({ files, names }: Mutant): Caught {
  const result = loadPackFiles(files)
  if (result.kind === 'refused') return 'check'
  if (result.warnings.length > 0) return 'warning'
  if (certify(compilePack(result.pack)).certificate.verdict !== 'proven') return 'proof'
  const play = createPlayer(result.pack)
  const speaks = ({ text }: { readonly text: string }): boolean => names.some((name) => text.includes(name))
  const inOrder = [...scenarios.filter(speaks), ...scenarios.filter((one) => !speaks(one))]
  return inOrder.some(({ scenario }) => play(scenario).failures.length > 0) ? 'scenarios' : 'nobody'
}

test('what is broken by rote is noticed', { timeout: 600_000 }, () => {
  const all = allMutants()
  expect(all.length).toBeGreaterThan(400)
  expect(new Set(all.map(({ kind }) => kind)).size).toBe(15)
  const chosen = [...all]
    .sort((a, b) => hash32(seed + a.kind + a.name) - hash32(seed + b.kind + b.name))
    .slice(0, drawn)
  const found = chosen.map((one) => ({ kind: one.kind, name: one.name, by: caughtBy(one) }))
  const share = (...by: readonly Caught[]): number => found.filter((one) => by.includes(one.by)).length / drawn
  const missed = found.filter(({ by }) => by === 'nobody').map(({ kind, name }) => `${kind}: ${name}`)
  const shares = `check ${share('check')}, warnings ${share('warning')}, proof ${share('proof')}, scenarios ${share('scenarios')}`
  console.info(`of ${drawn} broken packs by ${shares}`)
  expect(share('check', 'warning', 'proof'), shares).toBeGreaterThanOrEqual(0.4)
  expect(share('check', 'warning', 'proof', 'scenarios'), missed.join('\n')).toBeGreaterThanOrEqual(0.72)
})
