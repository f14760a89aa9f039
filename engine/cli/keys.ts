/** `proffer keys`: who may call, and as what. */
import { z } from 'zod'
import { answered } from './answered.ts'
import type { Client } from './client.ts'
import { table } from './print.ts'

const listedKey = z.looseObject({ name: z.string(), roles: z.array(z.string()), id: z.string(), at: z.string() })
const keyList = z.looseObject({ keys: z.array(listedKey) })
const madeKey = z.looseObject({ name: z.string(), roles: z.array(z.string()), key: z.string() })

export function listKeys(client: Client, isJson: boolean): Promise<number> {
  return answered(client.get('/v1/keys'), keyList, isJson, ({ keys }) => [
    keys.length === 0
      ? 'There is only the key of the owner.'
      : table(
          ['name', 'roles', 'key', 'since'],
          keys.map(({ name, roles, id, at }) => [name, roles.join(' '), id, at]),
        ),
  ])
}

/** Prints the key alone on stdout, so that a script can keep it; it is never shown again. */
export function createKey(
  client: Client,
  asked: { readonly name: string; readonly roles: readonly string[]; readonly why: string | undefined },
  isJson: boolean,
): Promise<number> {
  return answered(client.post('/v1/keys', asked), madeKey, isJson, ({ name, roles, key }) => {
    process.stderr.write(`The key of ${name} (${roles.join(', ')}). It is shown this once:\n`)
    return [key]
  })
}

export function revokeKey(client: Client, name: string, why: string | undefined, isJson: boolean): Promise<number> {
  const asked = client.post(`/v1/keys/${encodeURIComponent(name)}/revoke`, { why })
  return answered(asked, z.looseObject({ name: z.string() }), isJson, () => [`The keys of ${name} are revoked.`])
}
