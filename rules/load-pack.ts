/** Reading a rule pack from its folder: every file, checked as a whole, identified by the hash of what it says. */

import type { z } from 'zod'
import { arbitrationFile } from './arbitration-file.ts'
import { checkPack } from './check-pack.ts'
import { contactFile } from './contact-file.ts'
import type { LoadedPack, Model, Place } from './model.ts'
import { normalise } from './normalise.ts'
import {
  featuresFile,
  guardrailsFile,
  offersFile,
  type PackContents,
  type PackFileName,
  packFile,
  placementsFile,
  profileFile,
  rulesMax,
  sourcesFile,
  triggersFile,
} from './pack-files.ts'
import { hashOf } from './pack-hash.ts'
import { type PackProblem, sortProblems } from './pack-problem.ts'
import { fileProblem, type PackFiles, type PackTexts, readPackFolder, textsOfFiles } from './pack-texts.ts'
import { schemaProblems } from './schema-problems.ts'
import { type Path, readYaml, type YamlSource } from './yaml-source.ts'

export type LoadResult =
  | { readonly kind: 'ok'; readonly pack: LoadedPack; readonly warnings: readonly PackProblem[] }
  | { readonly kind: 'refused'; readonly problems: readonly PackProblem[] }

type Sources = ReadonlyMap<PackFileName, YamlSource>

/**
 * Loads the pack of a folder. Anything wrong in any file refuses the whole; all problems that can be seen are reported
 * together (conditions are looked at only when every file has the right shape). Warnings are about things that do nothing.
 *
 * @param nowMs what is over by then is a warning; null: nothing is said of that
 * @throws only when the folder cannot be read for reasons that are not the pack's (permissions, I/O)
 */
export async function loadPack(dir: string, nowMs: number | null = null): Promise<LoadResult> {
  const problems: PackProblem[] = []
  return loadTexts(await readPackFolder(dir, problems), problems, nowMs)
}

/**
 * Loads the pack of files that travelled, with the same checks as those of a folder and the same hash. Its scenarios are not looked
 * at here, see `loadScenarioFiles`.
 */
export function loadPackFiles(files: PackFiles, nowMs: number | null = null): LoadResult {
  const problems: PackProblem[] = []
  return loadTexts(textsOfFiles(files, problems), problems, nowMs)
}

function loadTexts(texts: PackTexts, problems: PackProblem[], nowMs: number | null): LoadResult {
  const sources = new Map<PackFileName, YamlSource>()
  for (const [file, text] of texts) {
    const result = readYaml(text)
    if (result.kind === 'ok') sources.set(file, result.source)
    else
      for (const { line, message } of result.problems) problems.push(fileProblem('yaml_invalid', file, message, line))
  }
  const contents = validate(sources, problems)
  if (problems.length > 0 || contents === null) return { kind: 'refused', problems: sortProblems(problems) }

  const model = normalise(contents, (file, path) => placeIn(sources, file, path))
  const rules = countRules(model)
  if (rules > rulesMax) {
    const message = `The pack has ${rules} rules, at most ${rulesMax} are allowed. Split it or drop some.`
    return { kind: 'refused', problems: [fileProblem('too_many_rules', 'pack.yaml', message)] }
  }
  const found = checkPack(
    model,
    (file, path, offset) => {
      const source = sources.get(file)
      if (source === undefined) return { file, line: 1 }
      return { file, line: offset === undefined ? source.lineOf(path) : source.lineInText(path, offset) }
    },
    nowMs,
  )
  if (found.problems.length > 0) return { kind: 'refused', problems: sortProblems(found.problems) }
  return { kind: 'ok', pack: { model, hash: hashOf(model) }, warnings: sortProblems(found.warnings) }
}

/** The contents of all files, or null when one of them does not fit its schema or is not there. */
function validate(sources: Sources, problems: PackProblem[]): PackContents | null {
  const one = <T>(file: PackFileName, schema: z.ZodType<T>): T | null => {
    const source = sources.get(file)
    if (source === undefined) return null
    const result = schema.safeParse(source.data)
    if (result.success) return result.data
    problems.push(...schemaProblems(file, source, result.error.issues))
    return null
  }
  const pack = one('pack.yaml', packFile)
  const origins = one('sources.yaml', sourcesFile)
  const profile = one('profile.yaml', profileFile)
  const features = one('features.yaml', featuresFile)
  const guardrails = one('guardrails.yaml', guardrailsFile)
  const offers = one('offers.yaml', offersFile)
  const triggers = one('triggers.yaml', triggersFile)
  const placements = one('placements.yaml', placementsFile)
  const contact = one('contact.yaml', contactFile)
  const arbitration = one('arbitration.yaml', arbitrationFile)
  if (pack === null || origins === null || profile === null || features === null || guardrails === null) return null
  if (offers === null || triggers === null || placements === null || contact === null || arbitration === null)
    return null
  return {
    'pack.yaml': pack,
    'sources.yaml': origins,
    'profile.yaml': profile,
    'features.yaml': features,
    'guardrails.yaml': guardrails,
    'offers.yaml': offers,
    'triggers.yaml': triggers,
    'placements.yaml': placements,
    'contact.yaml': contact,
    'arbitration.yaml': arbitration,
  }
}

function placeIn(sources: Sources, file: PackFileName, path: Path): Place {
  return { file, line: sources.get(file)?.lineOf(path) ?? 1 }
}

function countRules(model: Model): number {
  const { sources, attributes, features, guardrails, allows, offers, bands, triggers, placements, channels } = model
  const { caps, gaps, pauses, quietHours, holdouts, models, fatigue, resources } = model
  const lists = [sources, attributes, features, guardrails, allows, offers, bands, triggers, placements, channels]
  const more = [caps, gaps, pauses, quietHours, holdouts, models, fatigue, resources]
  return [...lists, ...more].reduce((sum, list) => sum + list.length, 0)
}
