import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A script as Redis keeps it: by the hash of its text. */
export type LuaScript = { readonly sha: string; readonly text: string }

/** Reads a script of this folder. */
export function readScript(file: string): LuaScript {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8')
  return { sha: createHash('sha1').update(text).digest('hex'), text }
}
