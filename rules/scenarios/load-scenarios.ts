/** The scenarios of a pack, read from its folder `scenarios`. They are no part of what the pack says: its hash does not see them. */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Model } from '../model.ts'
import { type PackProblem, type PackProblemCode, sortProblems } from '../pack-problem.ts'
import { readScenarios } from './read-scenarios.ts'
import { namesOf } from './reading.ts'
import type { Scenario } from './scenario.ts'

/** Name of the folder within a pack's. */
export const scenarioFolder = 'scenarios'
/** Most scenario files of a pack, most bytes of one, most scenarios of all files together. */
export const scenarioLimits = { files: 1_000, fileBytes: 256 * 1024, scenarios: 5_000 } as const

/** The scenarios of a pack, or everything that is wrong with their files. */
export type ScenariosResult =
  | { readonly kind: 'ok'; readonly scenarios: readonly Scenario[] }
  | { readonly kind: 'refused'; readonly problems: readonly PackProblem[] }

/** Scenario files by name, `scenarios/<file>`, in the order of their names, and what is wrong with the folder itself. */
export type ScenarioTexts = {
  readonly texts: ReadonlyMap<string, string>
  readonly problems: readonly PackProblem[]
}

/**
 * The scenarios of every `.yaml` file of `<dir>/scenarios`, checked against the pack's model, in the order of the files' names and
 * of the cases in each. Anything wrong in any file refuses all of them. Other files, such as a README, are left alone.
 *
 * @throws only when the folder cannot be read for reasons that are not its content's (permissions, I/O)
 */
export async function loadScenarios(dir: string, model: Model): Promise<ScenariosResult> {
  return scenariosOf(await readScenarioFolder(dir), model)
}

/**
 * The same for files in memory, by their names within the pack: what is directly in `scenarios/` and ends with `.yaml` is a scenario
 * file, everything else is left alone.
 */
export function loadScenarioFiles(files: Readonly<Record<string, string>>, model: Model): ScenariosResult {
  const problems: PackProblem[] = []
  const texts = new Map<string, string>()
  const own = Object.keys(files).filter((file) => file.startsWith(`${scenarioFolder}/`))
  if (isCounted(own.length, own.some(isYaml), problems)) {
    for (const file of own.sort()) {
      const text = files[file] ?? ''
      if (file.slice(scenarioFolder.length + 1).includes('/')) problems.push(notPlain(file))
      else if (/\.ya?ml$/i.test(file) && !isYaml(file)) problems.push(misnamed(file))
      else if (isYaml(file) && Buffer.byteLength(text) > scenarioLimits.fileBytes) problems.push(tooLarge(file))
      else if (isYaml(file)) texts.set(file, text)
    }
  }
  return scenariosOf({ texts, problems }, model)
}

/** The scenarios of texts. `read`: how one file is read; a caller who remembers files may answer from memory. */
export function scenariosOf(
  { texts, problems: found }: ScenarioTexts,
  model: Model,
  read: typeof readScenarios = readScenarios,
): ScenariosResult {
  const problems: PackProblem[] = [...found]
  const scenarios: Scenario[] = []
  const names = namesOf(model)
  for (const [file, text] of texts) {
    const told = read(text, file, names)
    problems.push(...told.problems)
    scenarios.push(...told.scenarios)
    if (scenarios.length <= scenarioLimits.scenarios) continue
    const message = `The pack has more than ${scenarioLimits.scenarios} scenarios. Drop some.`
    problems.push(problem(file, 'scenario_too_large', message))
    break
  }
  const seen = new Map<string, string>()
  for (const { name, file } of scenarios) {
    const before = seen.get(name)
    seen.set(name, file)
    if (before === undefined) continue
    const message = `${before} has a scenario of the same name, "${name}". Give each its own.`
    problems.push(problem(file, 'id_duplicate', message))
  }
  return problems.length > 0 ? { kind: 'refused', problems: sortProblems(problems) } : { kind: 'ok', scenarios }
}

/**
 * The texts of a pack's scenario files, none of them looked into.
 *
 * @throws only when the folder cannot be read for reasons that are not its content's (permissions, I/O)
 */
export async function readScenarioFolder(dir: string): Promise<ScenarioTexts> {
  const folder = join(dir, scenarioFolder)
  const problems: PackProblem[] = []
  const texts = new Map<string, string>()
  const present = (await filesOf(folder)) ?? []
  if (!isCounted(present.length, present.some(isYaml), problems)) return { texts, problems }
  for (const name of present) {
    const file = `${scenarioFolder}/${name}`
    const info = await lstat(join(folder, name))
    const isScenario = isYaml(name)
    if (/\.ya?ml$/i.test(name) && !isScenario) problems.push(misnamed(file))
    else if (info.isDirectory() || (isScenario && !info.isFile())) problems.push(notPlain(file))
    else if (isScenario && info.size > scenarioLimits.fileBytes) problems.push(tooLarge(file))
    else if (isScenario) texts.set(file, await readFile(join(folder, name), 'utf8'))
  }
  return { texts, problems }
}

/** Whether there are scenario files, and no more than may be; if not, that is told. */
function isCounted(files: number, hasYaml: boolean, problems: PackProblem[]): boolean {
  if (!hasYaml) {
    const message = `The pack has no scenarios: there is no .yaml file in its folder ${scenarioFolder}.`
    problems.push(problem(scenarioFolder, 'scenarios_missing', message))
  } else if (files > scenarioLimits.files) {
    const message = `The folder has more than ${scenarioLimits.files} files. Use "for each" to tell alike ones in one file.`
    problems.push(problem(scenarioFolder, 'scenario_too_large', message))
  }
  return problems.length === 0
}

function misnamed(file: string): PackProblem {
  return problem(file, 'file_unknown', 'Scenario files end with .yaml. Rename it, or take it away.')
}

function notPlain(file: string): PackProblem {
  const message = `A scenario is a plain file in the folder ${scenarioFolder} itself, no link and no folder.`
  return problem(file, 'file_not_plain', message)
}

function tooLarge(file: string): PackProblem {
  return problem(file, 'file_too_large', `The file is larger than ${scenarioLimits.fileBytes} bytes. Split it.`)
}

function isYaml(name: string): boolean {
  return name.endsWith('.yaml')
}

/** Names in the folder, sorted; null when it is not there. */
async function filesOf(folder: string): Promise<readonly string[] | null> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null
    throw error
  }
}

function problem(file: string, code: PackProblemCode, message: string): PackProblem {
  return { file, line: 1, rule: file, code, message }
}
