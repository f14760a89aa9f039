import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A script as Redis keeps it: by the hash of its text. */
export type LuaScript = { readonly sha: string; readonly text: string }

/** Reads a script of this folder, or of that of the module whose URL is given. */
export function readScript(file: string, beside: string = import.meta.url): LuaScript {
  const text = readFileSync(new URL(file, beside), 'utf8')
  return { sha: createHash('sha1').update(text).digest('hex'), text }
}
