/** The shipped pack with a few texts replaced, loaded from a folder of its own. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadResult, loadPack } from '../../rules/load-pack.ts'

/** The folder of the shipped pack. */
export const retailBank = join(import.meta.dirname, '../../rules/packs/retail-bank')

/** Replaces `from`, which must occur exactly once in the file; an empty `from` means: append. */
export type Patch = { readonly file: string; readonly from: string; readonly to: string }

export type PatchedPack = { readonly result: LoadResult; readonly files: ReadonlyMap<string, string> }

/** Loads the shipped pack with patches applied, as of an instant; `files` are the texts it was loaded from. */
export async function loadPatched(patches: readonly Patch[], nowMs?: number): Promise<PatchedPack> {
  const files = new Map(await originals())
  for (const { file, from, to } of patches) {
    const text = files.get(file) ?? ''
    if (from !== '' && text.split(from).length !== 2) throw new Error(`"${from}" is not exactly once in ${file}`)
    files.set(file, from === '' ? text + to : text.replace(from, () => to))
  }
  return { result: await loadFiles(files, nowMs), files }
}

/** Loads a pack from texts. */
export async function loadFiles(files: ReadonlyMap<string, string>, nowMs?: number): Promise<LoadResult> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-pack-'))
  try {
    for (const [name, text] of files) await writeFile(join(dir, name), text)
    return await loadPack(dir, nowMs)
  } finally {
    await rm(dir, { recursive: true })
  }
}

let texts: Promise<ReadonlyMap<string, string>> | null = null

/** The texts of the shipped pack's files. */
export function originals(): Promise<ReadonlyMap<string, string>> {
  texts ??= readAll()
  return texts
}

async function readAll(): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(retailBank)
  const yaml = names.filter((name) => name.endsWith('.yaml'))
  return new Map(await Promise.all(yaml.map(async (n) => [n, await readFile(join(retailBank, n), 'utf8')] as const)))
}
