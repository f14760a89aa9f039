/**
 * The key callers must send. Made at first start, kept in DATA_DIR with owner-only rights, compared in constant time.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlKey } from '../control/control-state.ts'
import { type Caller, owner } from '../control/roles.ts'

/** Who calls, or why nobody does. */
export type KeyVerdict = Caller | 'missing' | 'wrong'
/** Judges the value of an Authorization header. */
export type KeyCheck = (authorization: string) => KeyVerdict

/** Where the key came from, for the start line; the key itself is never printed or logged. */
export type ApiKey = { readonly key: string; readonly from: 'setting' | 'file' | 'made' }

/**
 * The key of an installation: from the setting, from the file named by the setting, from DATA_DIR/api-key, or a new one
 * (256 random bits) written there with mode 0600.
 */
export async function apiKeyOf(options: {
  readonly dataDir: string
  readonly key: string | undefined
  readonly keyFile: string | undefined
  /** The key to make when there is none; absent: a new one; null: none, who asks must have one. */
  readonly made?: string | null | undefined
}): Promise<ApiKey> {
  if (options.key !== undefined) return { key: options.key, from: 'setting' }
  if (options.keyFile !== undefined) return { key: await keyIn(options.keyFile), from: 'file' }
  const path = join(options.dataDir, 'api-key')
  if (options.made === null) return { key: await existingKey(path), from: 'file' }
  const made = options.made ?? newKey()
  try {
    // wx: of two first starts at once, one makes the key and the other reads it.
    await writeFile(path, `${made}\n`, { mode: 0o600, flag: 'wx' })
    return { key: made, from: 'made' }
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
    return { key: await keyIn(path), from: 'file' }
  }
}

const keyCharsMin = 16

/** A file that holds no usable key; the message says what to do. */
export class ApiKeyError extends Error {
  readonly code = 'api_key_unusable'
}

async function existingKey(path: string): Promise<string> {
  try {
    return await keyIn(path)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
    throw new ApiKeyError(`${path} is not there. Set API_KEY, or API_KEY_FILE, to the key of the engine.`)
  }
}

async function keyIn(path: string): Promise<string> {
  const key = (await readFile(path, 'utf8')).trim()
  if (key.length >= keyCharsMin) return key
  throw new ApiKeyError(
    `${path} holds no key of at least ${keyCharsMin} characters. Write one, or remove the file to get a new one.`,
  )
}

/** A check against one key, which speaks for `caller`: in constant time over the whole header; only its length shows, which is no secret. */
export function createKeyCheck(key: string, caller: Caller): KeyCheck {
  const expected = Buffer.from(`Bearer ${key}`)
  return (authorization) => {
    if (authorization === '') return 'missing'
    const given = Buffer.from(authorization)
    return given.length === expected.length && timingSafeEqual(given, expected) ? caller : 'wrong'
  }
}

/** A new key: 256 random bits. */
export function newKey(): string {
  return `pk_${randomBytes(32).toString('base64url')}`
}

/** sha-256, in hex, of a key: all that is kept of it. */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/**
 * A check against the owner's key, then against those that the control log has now. A key is looked up by its digest, which says nothing
 * of it, and the digests are compared in constant time.
 */
export function createKeysCheck(ownerKey: string, keys: () => ReadonlyMap<string, ControlKey>): KeyCheck {
  const isOwner = createKeyCheck(ownerKey, owner)
  return (authorization) => {
    const verdict = isOwner(authorization)
    if (verdict !== 'wrong' || !authorization.startsWith('Bearer ')) return verdict
    const digest = digestOf(authorization.slice('Bearer '.length))
    const found = keys().get(digest)
    if (found === undefined || !timingSafeEqual(Buffer.from(found.digest), Buffer.from(digest))) return 'wrong'
    return { name: found.name, roles: found.roles, isOwner: false, digest }
  }
}
