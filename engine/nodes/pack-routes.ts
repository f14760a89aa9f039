/** What a node answers other nodes that put a pack in force. */
import { z } from 'zod'
import type { NodePacks } from '../activation/node-packs.ts'
import { parseJson } from '../api/decisions.ts'
import { type HttpReply, json, later, problem, type Route } from '../api/http.ts'
import { StoreError } from '../store/store.ts'
import { forgetBody, prepareBody } from './wire-packs.ts'

const node = 'node' as const

export function packRoutes(packs: Pick<NodePacks, 'prepare' | 'forget' | 'takeUp' | 'runs'>): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/nodes/v1/packs/prepare',
      access: node,
      handle: later((request) =>
        answer(prepareBody, request.body, ({ withinMs, ...asked }) => packs.prepare(asked, withinMs)),
      ),
    },
    {
      method: 'POST',
      path: '/nodes/v1/packs/forget',
      access: node,
      handle: later((request) =>
        answer(forgetBody, request.body, async ({ activation }) => {
          await packs.forget(activation)
          return null
        }),
      ),
    },
    {
      method: 'POST',
      path: '/nodes/v1/packs/take-up',
      access: node,
      handle: later((request) => answer(z.null(), request.body, () => packs.takeUp())),
    },
    { method: 'GET', path: '/nodes/v1/packs', access: node, handle: (_, reply) => reply(json(200, packs.runs())) },
  ]
}

async function answer<Body>(
  schema: z.ZodType<Body>,
  bytes: Uint8Array,
  work: (body: Body) => Promise<unknown>,
): Promise<HttpReply> {
  const body = schema.safeParse(parseJson(bytes))
  if (!body.success) return problem('body_invalid', 'Another node sent what this release does not understand.')
  try {
    return json(200, await work(body.data))
  } catch (cause) {
    if (cause instanceof StoreError) return problem('store_unavailable', 'The store does not answer this node.')
    throw cause
  }
}
