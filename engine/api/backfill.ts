/** Routes of the backfill: how far it is, begin it or go on, halt it. */
import type { BackfillRunner } from '../backfill/backfill-runner.ts'
import { operates } from './access.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, later, problem } from './http.ts'

const hourMs = 3_600_000
const hoursDefault = 24
const hoursMax = 720

export function backfillRoutes(backfill: BackfillRunner): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/backfill',
      access: operates,
      handle: later(() => answer(() => backfill.status())),
    },
    { method: 'POST', path: '/v1/backfill', access: operates, handle: later((request) => begin(backfill, request)) },
    { method: 'POST', path: '/v1/backfill/halt', access: operates, handle: later(() => answer(() => backfill.halt())) },
  ]
}

function begin(backfill: BackfillRunner, request: HttpRequest): Promise<HttpReply> {
  const text = request.query.get('hours') ?? String(hoursDefault)
  const hours = Number(text)
  if (!/^\d{1,3}$/.test(text) || hours < 1 || hours > hoursMax) {
    return Promise.resolve(problem('query_invalid', `hours is a whole number from 1 to ${hoursMax}.`))
  }
  return answer(() => backfill.begin(hours * hourMs))
}

async function answer(asked: () => ReturnType<BackfillRunner['status']>): Promise<HttpReply> {
  try {
    return json(200, await asked())
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : ''
    if (code === 'store_unavailable') return problem('store_unavailable', 'Ask again in a moment.')
    if (code === 'changed_meanwhile') return problem('busy', 'Others change the installation. Ask again in a moment.')
    throw cause
  }
}
