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

/**
 * The scenarios of every `.yaml` file of `<dir>/scenarios`, checked against the pack's model, in the order of the files' names and
 * of the cases in each. Anything wrong in any file refuses all of them. Other files, such as a README, are left alone.
 *
 * @throws only when the folder cannot be read for reasons that are not its content's (permissions, I/O)
 */
export async function loadScenarios(dir: string, model: Model): Promise<ScenariosResult> {
  const problems: PackProblem[] = []
  const scenarios: Scenario[] = []
  const names = namesOf(model)
  for (const [file, text] of await readTexts(join(dir, scenarioFolder), problems)) {
    const read = readScenarios(text, file, names)
    problems.push(...read.problems)
    scenarios.push(...read.scenarios)
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

async function readTexts(folder: string, problems: PackProblem[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  const present = await filesOf(folder)
  if (present === null || !present.some((name) => name.endsWith('.yaml'))) {
    const message = `The pack has no scenarios: there is no .yaml file in its folder ${scenarioFolder}.`
    problems.push(problem(scenarioFolder, 'scenarios_missing', message))
    return texts
  }
  if (present.length > scenarioLimits.files) {
    const message = `The folder has more than ${scenarioLimits.files} files. Use "for each" to tell alike ones in one file.`
    problems.push(problem(scenarioFolder, 'scenario_too_large', message))
    return texts
  }
  for (const name of present) {
    const file = `${scenarioFolder}/${name}`
    const info = await lstat(join(folder, name))
    const isScenario = name.endsWith('.yaml')
    if (/\.ya?ml$/i.test(name) && !isScenario) {
      problems.push(problem(file, 'file_unknown', 'Scenario files end with .yaml. Rename it, or take it away.'))
    } else if (info.isDirectory() || (isScenario && !info.isFile())) {
      const message = `A scenario is a plain file in the folder ${scenarioFolder} itself, no link and no folder.`
      problems.push(problem(file, 'file_not_plain', message))
    } else if (isScenario && info.size > scenarioLimits.fileBytes) {
      const message = `The file is larger than ${scenarioLimits.fileBytes} bytes. Split it.`
      problems.push(problem(file, 'file_too_large', message))
    } else if (isScenario) {
      texts.set(file, await readFile(join(folder, name), 'utf8'))
    }
  }
  return texts
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
