/** `/v1/packs/check` and `/v1/packs/test`: a pack that travels is checked, or its scenarios are played. Nothing of it is kept. */
import type { WithWhy } from '../workshop/work.ts'
import type { Worked, Workshop } from '../workshop/workshop.ts'
import { writesPacks } from './access.ts'
import { notWorkedReply } from './governance-replies.ts'
import { type HttpReply, json, later, problem, type Route } from './http.ts'
import { packBodyMaxBytes } from './schemas.ts'

export function workshopRoutes(workshop: Workshop): readonly Route[] {
  const common = { method: 'POST', access: writesPacks, bodyMaxBytes: packBodyMaxBytes } as const
  return [
    {
      ...common,
      path: '/v1/packs/check',
      handle: later(async ({ body }) => reply(await workshop.check({ kind: 'body', body }))),
    },
    {
      ...common,
      path: '/v1/packs/test',
      handle: later(async ({ body }) => reply(await workshop.test({ kind: 'body', body }))),
    },
  ]
}

/** A pack that is refused is an answer too: 200 with the problems, as the command prints them. */
function reply<T>(worked: Worked<WithWhy<T>>): HttpReply {
  if (worked.kind !== 'worked') return notWorkedReply(worked)
  if (worked.value.kind === 'body_invalid') return problem('body_invalid', worked.value.message)
  return json(200, worked.value.result)
}
