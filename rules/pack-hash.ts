/** The identity of a pack: what it says, not how its files are written. */
import { createHash } from 'node:crypto'
import type { Model } from './model.ts'

/** sha-256, in hex, of the canonical JSON of a model (keys sorted, places left out): 64 digits. */
export function hashOf(model: Model): string {
  return createHash('sha256').update(canonicalJson(model)).digest('hex')
}

/** JSON with sorted keys and without `place`, so that comments, order of keys and layout of the files do not count. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(
    ([key, field]) => field !== undefined && !(key === 'place' && isPlace(field)),
  )
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`
}

function isPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'file' in value && 'line' in value
}
