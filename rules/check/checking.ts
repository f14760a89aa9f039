/** What every check of a pack gets to see, and how it reports. */
import type { Condition } from '../compiled.ts'
import type { Model, Place } from '../model.ts'
import type { PackFileName } from '../pack-files.ts'
import type { PackProblem, PackProblemCode } from '../pack-problem.ts'
import type { EventTypes } from '../pack-vocabulary.ts'
import type { Variable, Vocabulary } from '../vocabulary.ts'
import type { Path } from '../yaml-source.ts'

/** Where a value of a file stands; with an offset, where that character of a text value stands. */
export type Locate = (file: PackFileName, path: Path, offset?: number) => Place

/** Where a finding stands: the file, the path to the value, the id of the rule. */
export type Spot = { readonly file: PackFileName; readonly path: Path; readonly rule: string }

/** What a finding may say beside its sentence. */
export type Shown = {
  /** Where in a text value it stands: the character. */
  readonly offset?: number | undefined
  /** See `PackProblem`. */
  readonly counterexample?: string | undefined
}

export type Checking = {
  readonly model: Model
  readonly eventTypes: EventTypes
  readonly variables: readonly Variable[]
  readonly plain: Vocabulary
  readonly on: (event: string) => Vocabulary
  /** Refuses the pack. */
  readonly refuse: (code: PackProblemCode, spot: Spot, message: string, shown?: Shown) => void
  /** Tells without refusing. */
  readonly warn: (code: PackProblemCode, spot: Spot, message: string, shown?: Shown) => void
}

/** The conditions that compiled, by rule position; null where there is none or it was refused. */
export type CompiledConditions = {
  readonly eligible: readonly (Condition | null)[]
  readonly guardrails: readonly (Condition | null)[]
  readonly allows: readonly (Condition | null)[]
  readonly triggers: readonly (Condition | null)[]
  /** Frame indexes that any condition or term of the pack reads. */
  readonly reads: ReadonlySet<number>
}

/** A checking context and what it collects. */
export function createChecking(
  model: Model,
  eventTypes: EventTypes,
  vocabularies: { readonly variables: readonly Variable[]; readonly plain: Vocabulary; readonly on: Checking['on'] },
  locate: Locate,
): Checking & { readonly problems: PackProblem[]; readonly warnings: PackProblem[] } {
  const problems: PackProblem[] = []
  const warnings: PackProblem[] = []
  return {
    model,
    eventTypes,
    ...vocabularies,
    problems,
    warnings,
    refuse: (code, spot, message, shown) => {
      problems.push(problemOf(locate, code, spot, message, shown))
    },
    warn: (code, spot, message, shown) => {
      warnings.push(problemOf(locate, code, spot, message, shown))
    },
  }
}

function problemOf(
  locate: Locate,
  code: PackProblemCode,
  { file, path, rule }: Spot,
  message: string,
  { offset, counterexample }: Shown = {},
): PackProblem {
  const problem = { ...locate(file, path, offset), rule, code, message }
  return counterexample === undefined ? problem : { ...problem, counterexample }
}

/** A few ids in words, for "use one of": all when there are at most 12. */
export function oneOf(ids: readonly string[]): string {
  const shown = ids.slice(0, 12).join(', ')
  return ids.length > 12 ? `${shown}, ... (${ids.length} in all)` : shown || 'none is defined'
}
