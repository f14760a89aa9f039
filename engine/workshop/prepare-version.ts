/** Everything about a proposed version that takes long: checked, proven, played, compared with what is in force. */
import { createHash } from 'node:crypto'
import { loadPackFiles } from '../../rules/load-pack.ts'
import type { Model } from '../../rules/model.ts'
import { diffPacks, type PackChange } from '../../rules/pack-diff.ts'
import { canonicalJson } from '../../rules/pack-hash.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'
import { type CheckReport, checkReport, playFiles, type TestReport } from './pack-report.ts'

/** Texts as the store keeps them, so that the thread of the API has nothing to do but to hand them on. */
export type PreparedVersion = {
  readonly kind: 'ready'
  readonly name: string
  readonly hash: string
  /** The model, the certificate and the sources as JSON. */
  readonly model: string
  readonly certificate: string
  readonly files: string
  /** sha-256, in hex, of the sources. */
  readonly filesHash: string
  readonly changes: readonly PackChange[]
  readonly scenarios: number
}

export type Preparation =
  | PreparedVersion
  | { readonly kind: 'check_failed'; readonly report: CheckReport }
  | { readonly kind: 'test_failed'; readonly report: TestReport }

/** @param before the model in force, as JSON; null: it is not kept, so that whatever changed is for compliance */
export async function prepareVersion(files: PackFiles, before: string | null): Promise<Preparation> {
  const loaded = loadPackFiles(files)
  const check = checkReport(loaded)
  if (loaded.kind === 'refused' || check.kind !== 'ok') return { kind: 'check_failed', report: check }
  const { pack } = loaded
  const test = await playFiles(files, pack, null)
  if ('refused' in test || test.failed > 0 || test.coverage.uncovered.length > 0)
    return { kind: 'test_failed', report: test }
  const sources = sourcesText(files)
  const old: Model | null = before === null ? null : JSON.parse(before)
  return {
    kind: 'ready',
    name: pack.model.name,
    hash: pack.hash,
    model: JSON.stringify(pack.model),
    certificate: JSON.stringify(check.certificate),
    files: sources,
    filesHash: createHash('sha256').update(sources).digest('hex'),
    changes: old === null ? [notCompared(pack.model.name)] : diffPacks(old, pack.model),
    scenarios: test.passed,
  }
}

/** What nobody can say is not taken for harmless. */
function notCompared(id: string): PackChange {
  const compliance = 'The version in force is not kept any more, so that nobody can say what changed.'
  return { kind: 'pack', id, change: 'added', fields: [], compliance }
}

/** The sources as they are kept: one text for the same files in whatever order. */
export function sourcesText(files: PackFiles): string {
  return canonicalJson(files)
}
