/** What the pieces of a scenario file are read with: the pack's names, and where to tell what is wrong. */
import type { z } from 'zod'
import { schemaCatalogue } from '../../ingest/event-types.ts'
import type { CatalogueType } from '../../ingest/schema-catalogue.ts'
import type { Model } from '../model.ts'
import type { PackProblem, PackProblemCode } from '../pack-problem.ts'
import { variablesOf } from '../pack-vocabulary.ts'
import { schemaProblems } from '../schema-problems.ts'
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
  /** Guardrails, caps and resources. */
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
      [model.guardrails, model.caps, model.gaps, model.pauses, model.quietHours, model.resources].flatMap((rules) =>
        rules.map(({ id }) => id),
      ),
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

/** Tells what a schema does not take of the part of a file at `path`. */
export function refuseIssues(
  { file, source, problems }: Reading,
  path: Path,
  issues: readonly z.core.$ZodIssue[],
  rule: string,
): void {
  const placed = issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }))
  for (const problem of schemaProblems(file, source, placed)) problems.push({ ...problem, rule })
}

/** Which names there are, as a mistake is told: all of them when they are few. */
export function oneOf(names: Iterable<string>): string {
  const all = [...names]
  return all.length <= 12 ? `one of ${all.join(', ')}` : `one of ${all.length}, such as ${all[0]}`
}
