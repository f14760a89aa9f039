/** What the pieces of a scenario file are read with: the pack's names, and where to tell what is wrong. */
import type { z } from 'zod'
import { schemaCatalogue } from '../../ingest/event-types.ts'
import type { CatalogueType } from '../../ingest/schema-catalogue.ts'
import type { Model } from '../model.ts'
import { nearestName } from '../nearest-name.ts'
import type { PackProblem, PackProblemCode } from '../pack-problem.ts'
import { variablesOf } from '../pack-vocabulary.ts'
import { schemaProblems, valueAt } from '../schema-problems.ts'
import type { Variable } from '../vocabulary.ts'
import type { Path, YamlSource } from '../yaml-source.ts'

/** What a pack has, by name. */
export type PackNames = {
  readonly model: Model
  readonly types: ReadonlyMap<string, CatalogueType>
  readonly offers: ReadonlySet<string>
  readonly placements: ReadonlySet<string>
  readonly inbound: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  /** Guardrails, rules of contact, resources and holdouts. */
  readonly rules: ReadonlySet<string>
  readonly variables: ReadonlyMap<string, Variable>
  /** Where an event comes from that does not say. */
  readonly source: string
}

/** The names of a checked pack. */
export function namesOf(model: Model): PackNames {
  const lawful = model.sources.filter((source) => source.lawfulBasis !== 'none')
  const source = lawful.find(({ purposes }) => purposes.includes('marketing')) ?? lawful[0]
  return {
    model,
    types: schemaCatalogue.types,
    offers: new Set(model.offers.map(({ id }) => id)),
    placements: new Set(model.placements.map(({ id }) => id)),
    inbound: new Set(model.placements.filter(({ direction }) => direction === 'inbound').map(({ id }) => id)),
    resources: new Set(model.resources.map(({ id }) => id)),
    rules: new Set(
      [
        ...[model.guardrails, model.caps, model.gaps, model.pauses, model.quietHours],
        ...[model.resources, model.holdouts],
      ].flatMap((rules) => rules.map(({ id }) => id)),
    ),
    variables: new Map(variablesOf(model, schemaCatalogue.types).map((variable) => [variable.name, variable])),
    source: source?.id ?? 'scenario',
  }
}

/** One case of a file while it is read. */
export type Reading = {
  readonly names: PackNames
  readonly file: string
  /** The file with the case filled in. */
  readonly source: YamlSource
  readonly problems: PackProblem[]
}

/** Tells a problem of a place in the file. `rule`: the step, or the part of the file. */
export function refuse(
  { file, source, problems }: Reading,
  path: Path,
  { rule, code, message }: { readonly rule: string; readonly code: PackProblemCode; readonly message: string },
): void {
  problems.push({ file, line: source.lineOf(path), rule, code, message })
}

/**
 * Tells what a schema does not take of the part of a file at `path`. `keys`: those the part may have; a word that is not among the
 * ones it has to be, or a key that is none, is told with the nearest there is.
 */
export function refuseIssues(
  { file, source, problems }: Reading,
  path: Path,
  issues: readonly z.core.$ZodIssue[],
  {
    rule,
    keys,
    words = [],
  }: { readonly rule: string; readonly keys: readonly string[]; readonly words?: readonly string[] },
): void {
  for (const issue of issues) {
    const at = [...path, ...issue.path.filter((step) => typeof step !== 'symbol')]
    const found = schemaProblems(file, source, [{ ...issue, path: at }])
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) {
      issue.keys.forEach((key, i) => {
        const message = `There is no "${key}" here: it must be ${oneOf(keys, key)}.`
        for (const problem of found.slice(i, i + 1)) problems.push({ ...problem, rule, message })
      })
      continue
    }
    const near = issue.code === 'invalid_value' ? issue.values.map(String) : words
    const hint = didYouMean(valueAt(source.data, at), near)
    for (const problem of found) problems.push({ ...problem, rule, message: `${problem.message}${hint}` })
  }
}

/** Which names there are, as a mistake is told: all of them when they are few; and the one that was probably meant. */
export function oneOf(names: Iterable<string>, given: string): string {
  const all = [...names]
  if (all.length === 0) return 'none, as there are none'
  const list = all.length <= 12 ? `one of ${all.join(', ')}` : `one of ${all.length}, such as ${all[0]}`
  return `${list}${didYouMean(given, all, '; did you mean ')}`
}

/** The word of a list that a text is nearly; empty when none is, or it is one of them. */
export function didYouMean(given: unknown, words: readonly string[], before = ' Did you mean '): string {
  const near = typeof given !== 'string' || words.includes(given) ? null : nearestName(given, words)
  return near === null ? '' : `${before}"${near}"?`
}
