/** `GET /v1/packs/active`: which pack every shard of every node runs. */
import { z } from 'zod'
import type { Activator, PackStatus } from '../activation/activation.ts'
import { takeUpReasons } from '../activation/take-up-watch.ts'
import { StoreError } from '../store/store.ts'
import { readsPacks } from './access.ts'
import { json, later, problem, type Route } from './http.ts'

const whole = z.number().int().nonnegative()

/** What `PackStatus` looks like. */
export const packStatusAnswer: z.ZodType<PackStatus> = z.object({
  packHash: z.string().describe('Version that the record of the installation names.'),
  activation: whole.describe('Number of the activation that put it in force; 0: the first start did.'),
  shards: z.array(
    z.object({
      node: z.string(),
      shard: whole,
      packHash: z.string(),
      activation: whole,
      since: z.number().describe('Unix milliseconds.'),
    }),
  ),
  silent: z.array(z.string()).describe('Nodes that did not answer, by address.'),
  failing: z
    .array(
      z.object({
        node: z.string(),
        reason: z.enum(takeUpReasons),
        message: z.string(),
        since: z.number().describe('Unix milliseconds.'),
      }),
    )
    .describe('Nodes that cannot take up the pack in force, and why.'),
})

export function activePackRoute(activator: Pick<Activator, 'status'>): Route {
  return {
    method: 'GET',
    path: '/v1/packs/active',
    access: readsPacks,
    handle: later(async () => {
      try {
        return json(200, await activator.status())
      } catch (cause) {
        if (cause instanceof StoreError)
          return problem('store_unavailable', 'The store does not answer. Ask again in a moment.')
        throw cause
      }
    }),
  }
}
