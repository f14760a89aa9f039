/** What the control log has to know when a node starts: the version in force, and what a start changed of it. */
import { createHash } from 'node:crypto'
import type { LoadedPack } from '../../rules/model.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import { packFilesOf } from '../../rules/pack-texts.ts'
import type { Store } from '../store/store.ts'
import { sourcesText } from '../workshop/prepare-version.ts'
import type { Control } from './control-log.ts'
import { isAbandoned, type NodeStart, versionInForce, versionOf } from './control-state.ts'
import type { Caller } from './roles.ts'

/** Name of the sources of a version among the packs of the store. */
export function sourcesName(filesHash: string): string {
  return `${filesHash}-sources`
}

export type Beginning = {
  readonly control: Control
  readonly store: Pick<Store, 'putPack' | 'cluster'>
  /** The pack that the installation's record names. */
  readonly inForce: LoadedPack
  /** The pack in the folder of this start, and the folder; null: there is none that is sound. */
  readonly started: Pick<LoadedPack, 'hash'> | null
  readonly folder: string
  /** This start of this node, and the names of the other nodes that take part. */
  readonly self: NodeStart
  readonly others: readonly string[]
  readonly now: () => number
}

const firstStart: Caller = { name: 'first start', roles: [], isOwner: false }
const start: Caller = { name: 'start', roles: [], isOwner: false }

/**
 * Brings the log in step with the installation's record, which rules: the first version, a pack that a start put in force, an
 * activation whose node ended before it could say how it went.
 * @throws LogError, ControlError, StoreError
 */
export async function beginControl(beginning: Beginning): Promise<void> {
  const { control, inForce, self, others, now } = beginning
  const { state } = control
  const { name } = inForce.model
  if (state.versions.length === 0) {
    const files = await keepSources(beginning)
    await control.submit(firstStart, 'first start', { action: 'version_first', name, hash: inForce.hash, files })
    return
  }
  if (state.activating !== null) {
    // What is under way on another node is its own to tell.
    if (!isAbandoned(state.activating, { self, isAtOne: false, others, at: now() })) return
    const { version, record: begun } = state.activating
    // It may have got further since this node read the record.
    const isThere = versionOf(state, version)?.hash === (await beginning.store.cluster())?.pack
    await control.submit(
      start,
      'The node ended before it could say how it went.',
      isThere
        ? { action: 'activated', version, begun, missing: [] }
        : { action: 'activation_failed', version, begun, reason: 'The node ended before it was done.' },
    )
  }
  if (versionInForce(control.state)?.hash === inForce.hash) return
  // Somebody put another one in force since this node read the record, and says so.
  if ((await beginning.store.cluster())?.pack !== inForce.hash) return
  const files = await keepSources(beginning)
  const why = 'A start put another PACK in force.'
  await control.submit(start, why, { action: 'version_at_start', name, hash: inForce.hash, files })
}

/** The hash of the sources that were kept; null: the folder does not say what is in force, or cannot be read. */
async function keepSources({ store, inForce, started, folder }: Beginning): Promise<string | null> {
  if (started?.hash !== inForce.hash) return null
  const problems: PackProblem[] = []
  const files = await packFilesOf(folder, problems)
  if (problems.length > 0) return null
  const text = sourcesText(files)
  const hash = createHash('sha256').update(text).digest('hex')
  await store.putPack(sourcesName(hash), text)
  return hash
}
