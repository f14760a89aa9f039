/** `GET /v1/replays`: goal, whoever reads the report finds a sentence at each deviation and hole. */
import { expect, test } from 'vitest'
import { type ReplayRouteParts, replayRoutes } from '../../../engine/api/replays.ts'
import type { ReplayStatus } from '../../../engine/replay/replay-jobs.ts'
import { openCodecs } from '../../../sinks/codecs.ts'

test('deviations and holes have sentences', async () => {
  const status: ReplayStatus = {
    ...{ id: 'r', state: 'done', problem: null, from: 0, to: 1, partitions: 8, through: 8, batches: 0 },
    ...{ equal: 0, different: 1, incomparable: { node_fallback: 0, commit_lost: 0, hole: 1 } },
    deviations: [{ id: 'd1', why: 'never_left', difference: null }],
    holes: [{ kind: 'batches_missing', partition: 3, after: 4, before: 9 }],
  }
  const parts: ReplayRouteParts = {
    jobs: { status, begin: () => ({ kind: 'busy' }), halt: () => undefined },
    history: null,
    historyOff: '',
    kept: { packOf: async () => null, learnedOf: async () => null },
    codecs: openCodecs({ kind: 'own' }),
    ...{ partitions: 8, salt: '', compiled: () => [], zone: () => 'UTC' },
  }
  const route = replayRoutes(parts).find(({ method, path }) => method === 'GET' && path === '/v1/replays')
  const reply = await new Promise((resolve) => {
    const caller = { name: 'o', roles: [], isOwner: true }
    const request = {
      params: [],
      query: new Map(),
      contentType: '',
      acceptLanguage: '',
      body: new Uint8Array(),
      caller,
    }
    route?.handle(request, ({ body }) => resolve(JSON.parse(body)))
  })
  expect(reply).toMatchObject({
    deviations: [{ id: 'd1', sentence: expect.stringContaining('never left') }],
    holes: [{ partition: 3, sentence: expect.stringContaining('between 4 and 9 of partition 3 are missing') }],
  })
})
