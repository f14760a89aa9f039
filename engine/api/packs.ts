/** `GET /v1/packs/{hash}/certificate`: what was proven of a rule pack when it was put in force. */
import { certificateSchema } from '../proof/certificate.ts'
import { readsPacks } from './access.ts'
import { json, later, problem, type Route } from './http.ts'

/** @param certificateOf the certificate of a pack as JSON; null: none is kept */
export function packRoute(certificateOf: (hash: string) => Promise<string | null>): Route {
  return {
    method: 'GET',
    path: '/v1/packs/:hash/certificate',
    access: readsPacks,
    handle: later(async (request) => {
      const hash = request.params[0] ?? ''
      if (!/^[0-9a-f]{64}$/.test(hash)) return problem('query_invalid', 'The version of a pack is 64 hex digits.')
      const text = await certificateOf(hash)
      if (text === null)
        return problem(
          'not_found',
          'No certificate of this checker is kept for such a pack: it was never in force here.',
        )
      return json(200, certificateSchema.parse(JSON.parse(text)))
    }),
  }
}
