/** A pack as it is in force at the moment: with rules out of service, and without sources that may not be used any more. */
import type { CompiledPack } from './compiled.ts'
import { withQuarantine } from './quarantine.ts'
import { sourceTable } from './source-table.ts'

/** What a pack in force is without. */
export type PackForm = {
  /** Names of rules (`rule-names.ts`). */
  readonly quarantined: ReadonlySet<string>
  /** Ids of sources that the bank revoked. */
  readonly revoked: ReadonlySet<string>
}

/** The pack in a form. All of it is data of the pack: the same state, input, pack and form give the same step. */
export function formOf(pack: CompiledPack, { quarantined, revoked }: PackForm): CompiledPack {
  return withoutSources(withQuarantine(pack, quarantined), revoked)
}

/**
 * The pack as if these sources had no lawful basis: their events move nothing but what closes, and what they brought before reads as
 * unknown. Names that the pack does not have do nothing: such sources are unlawful anyway.
 */
export function withoutSources(pack: CompiledPack, revoked: ReadonlySet<string>): CompiledPack {
  const { sources } = pack.loaded.model
  if (!sources.some(({ id }) => revoked.has(id))) return pack
  return {
    ...pack,
    lawfulSources: new Map([...pack.lawfulSources].filter(([id]) => !revoked.has(id))),
    sourceTable: sourceTable(sources, revoked),
  }
}
