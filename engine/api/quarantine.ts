/** `/v1/quarantine`: which rules are out of service on this node, and how one is put back. */
import type { RuleWatch } from '../shard/rule-watch.ts'
import { operates } from './access.ts'
import { type HttpReply, json, problem, type Route } from './http.ts'

export type QuarantineParts = { readonly watch: Pick<RuleWatch, 'quarantined' | 'replaced' | 'lift'> }

export function quarantineRoutes({ watch }: QuarantineParts): readonly Route[] {
  const shown = (): HttpReply => json(200, { rules: watch.quarantined, threadsReplaced: watch.replaced })
  return [
    { method: 'GET', path: '/v1/quarantine', access: operates, handle: (_, reply) => reply(shown()) },
    {
      method: 'POST',
      path: '/v1/quarantine/lift',
      access: operates,
      handle: (request, reply) => {
        const rule = request.query.get('rule') ?? ''
        if (rule === '') reply(problem('query_invalid', 'Give rule=RULE as GET /v1/quarantine names it.'))
        else if (watch.lift(rule)) reply(shown())
        else
          reply(
            problem(
              'not_found',
              'No such rule is quarantined on this node: `proffer quarantine` lists those that are.',
            ),
          )
      },
    },
  ]
}
