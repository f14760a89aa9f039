/** The texts of a rule pack: from its folder, or as files that travelled. */
import { lstat, readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type PackFileName, packFiles } from './pack-files.ts'
import type { PackProblem, PackProblemCode } from './pack-problem.ts'
import { readScenarioFolder, scenarioFolder } from './scenarios/load-scenarios.ts'

/** Largest pack file, in bytes. */
export const fileBytesMax = 5 * 1024 * 1024
/** Most bytes of all files of a pack that travels, names and scenarios with them. */
export const travelBytesMax = 8 * 1024 * 1024
const filesMax = 1_100
const nameMax = 255

/** A pack as it travels: text by path, such as `features.yaml` and `scenarios/loans.yaml`. */
export const packFilesSchema = z
  .record(z.string().min(1).max(nameMax), z.string())
  .refine((files) => Object.keys(files).length <= filesMax, `at most ${filesMax} files`)
export type PackFiles = Readonly<Record<string, string>>

export type PackTexts = ReadonlyMap<PackFileName, string>

/** The texts of a pack in a folder; what is wrong with the files themselves is added to `problems`. */
export async function readPackFolder(dir: string, problems: PackProblem[]): Promise<PackTexts> {
  const texts = new Map<PackFileName, string>()
  const folder = await realFolder(dir)
  if (folder === null) {
    problems.push(fileProblem('pack_missing', 'pack.yaml', `There is no folder ${dir} with a pack in it.`))
    return texts
  }
  const present = new Set(await readdir(folder))
  for (const name of present) {
    if (/\.ya?ml$/i.test(name) && !isPackFile(name)) {
      const message = `A pack has no file ${name}. Rename it to one of ${Object.keys(packFiles).join(', ')}, or take it away.`
      problems.push(fileProblem('file_unknown', name, message))
    }
  }
  for (const file of Object.keys(packFiles)) {
    if (!isPackFile(file)) continue
    if (!present.has(file)) {
      problems.push(missing(file))
      continue
    }
    const path = join(folder, file)
    const info = await lstat(path)
    if (!info.isFile()) {
      problems.push(
        fileProblem('file_not_plain', file, 'A pack file must be a plain file in the folder of the pack, no link.'),
      )
    } else if (info.size > fileBytesMax) {
      problems.push(
        fileProblem('file_too_large', file, `The file is larger than ${fileBytesMax} bytes. Split the pack.`),
      )
    } else {
      texts.set(file, await readFile(path, 'utf8'))
    }
  }
  return texts
}

async function realFolder(dir: string): Promise<string | null> {
  try {
    const folder = await realpath(dir)
    return (await lstat(folder)).isDirectory() ? folder : null
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** The texts of a pack's own files among those that travelled; what is wrong with them is added to `problems`. */
export function textsOfFiles(files: PackFiles, problems: PackProblem[]): PackTexts {
  const texts = new Map<PackFileName, string>()
  let bytes = 0
  for (const [name, text] of Object.entries(files)) {
    const size = Buffer.byteLength(text)
    bytes += size + Buffer.byteLength(name)
    if (isPackFile(name)) {
      texts.set(name, text)
      if (size <= fileBytesMax) continue
      problems.push(
        fileProblem('file_too_large', name, `The file is larger than ${fileBytesMax} bytes. Split the pack.`),
      )
    } else if (!isScenarioFile(name)) {
      const message = `A pack has no file ${name}. It is made of ${Object.keys(packFiles).join(', ')} and ${scenarioFolder}/*.yaml.`
      problems.push(fileProblem('file_unknown', name, message))
    }
  }
  for (const file of Object.keys(packFiles)) {
    if (!Object.hasOwn(files, file)) problems.push(missing(file))
  }
  if (bytes > travelBytesMax)
    problems.push(
      fileProblem('file_too_large', 'pack.yaml', `All files together are larger than ${travelBytesMax} bytes.`),
    )
  return texts
}

/**
 * The files of a pack in a folder as they travel, its scenarios among them; what cannot travel is added to `problems`. A pack
 * without scenarios travels too.
 *
 * @throws only when the folder cannot be read for reasons that are not the pack's (permissions, I/O)
 */
export async function packFilesOf(dir: string, problems: PackProblem[]): Promise<PackFiles> {
  const texts = await readPackFolder(dir, problems)
  if (texts.size === 0) return {}
  const scenarios = await readScenarioFolder(dir)
  problems.push(...scenarios.problems.filter(({ code }) => code !== 'scenarios_missing'))
  return Object.fromEntries([...texts, ...scenarios.texts])
}

function isScenarioFile(name: string): boolean {
  const [folder, file, ...more] = name.split('/')
  return folder === scenarioFolder && file !== undefined && /^[^\\]+\.yaml$/.test(file) && more.length === 0
}

function missing(file: string): PackProblem {
  return fileProblem('file_missing', file, `The file ${file} is missing. Add it, with empty lists if need be.`)
}

/** A problem with a file as a whole. */
export function fileProblem(code: PackProblemCode, file: string, message: string, line = 1): PackProblem {
  return { file, line, rule: file, code, message }
}

function isPackFile(name: string): name is PackFileName {
  return Object.hasOwn(packFiles, name)
}
