/** Permits as a gateway meets them: over real HTTP, also by way of another node. Fails closed: without `permitted: true` nothing is sent. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { permitRoute } from '../../../engine/api/permits.ts'
import { startServer } from '../../../engine/api/server.ts'
import { owner } from '../../../engine/control/roles.ts'
import { createNodeClient } from '../../../engine/nodes/node-client.ts'
import { nodeRoutes } from '../../../engine/nodes/node-routes.ts'
import { ShardError } from '../../../engine/shard/shards.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

let engine: RunningEngine
beforeAll(async () => {
  engine = await runEngine()
})
afterAll(() => engine.stop())

const post = (body: unknown) => engine.call('POST', '/v1/events', body)
const permit = (id: string, body: unknown) => engine.call('POST', `/v1/permits/${id}`, body)
const unknown = 'f'.repeat(32)

/** Id, channel and `notAfter` of the message that thanks for a repayment. */
async function thanked(customer: string) {
  await post(repayment(customer, 600_000))
  await engine.engine.shards.drained()
  const page = await engine.call('GET', '/v1/tail?cursor=start&limit=1000')
  const decisions: readonly { id: string; customerId: string; channel: string; outcome: string; notAfter: number }[] =
    Object(page.body).decisions
  const sent = decisions.find(({ customerId, outcome }) => customerId === customer && outcome === 'offered')
  if (sent === undefined) throw new Error('a repayment is thanked for')
  return sent
}

describe('a permit', () => {
  test('is given for a message that waits, until it was sent', async () => {
    const { id, channel, notAfter } = await thanked('C-permit')
    const body = { customerId: 'C-permit', channel }
    const given = await permit(id, body)
    expect(given.status).toBe(200)
    expect(given.body).toEqual({ permitted: true, reason: 'permitted', until: notAfter })
    const other = await permit(id, { ...body, customerId: 'C-other' })
    expect(other.body).toEqual({ permitted: false, reason: 'decision_unknown', until: 0 })
    await post(cloudEvent('C-permit', 'message.sent', { decisionId: id, channel }))
    expect((await permit(id, body)).body).toMatchObject({ permitted: false, reason: 'already_sent' })
  })

  test('is asked for by alias too, and nobody’s alias gets none', async () => {
    const { id, channel } = await thanked('C-alias')
    await post(cloudEvent('C-alias', 'identity.linked', { alias: '@device:77' }))
    expect((await permit(id, { customerId: '@device:77', channel })).body).toMatchObject({ permitted: true })
    expect((await permit(id, { customerId: '@device:78', channel })).status).toBe(404)
  })

  test.each([
    ['an id that is none', 'abc', { customerId: 'C1', channel: 'sms' }, 'query_invalid'],
    ['no channel', unknown, { customerId: 'C1' }, 'body_invalid'],
    ['a customer id with a space', unknown, { customerId: 'Secret 1', channel: 'sms' }, 'body_invalid'],
    ['text that is not JSON', unknown, '{', 'body_invalid'],
  ])('%s is refused with 400, without a value of the request', async (_, id, body, code) => {
    const answer = await permit(id, body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code })
    expect(answer.text).not.toContain('Secret')
  })

  test('needs the key and is described', async () => {
    const answer = await engine.call('POST', `/v1/permits/${unknown}`, {}, { Authorization: '' })
    expect(answer.status).toBe(401)
    const document = Object((await engine.call('GET', '/openapi.json')).body)
    expect(Object.keys(document.paths)).toContain('/v1/permits/{decisionId}')
  })
})

const common = {
  host: '127.0.0.1',
  port: 0,
  corsOrigins: [],
  bodyMaxBytes: 65_536,
  inFlightMax: 8,
  onRefused: () => undefined,
  observe: () => undefined,
  keyCheck: () => owner,
  nodeKeyCheck: () => owner,
}

test('a shard that cannot say is a 503, which is no permit', async () => {
  const permit = () => Promise.reject(new ShardError('owner_unavailable', 'The node does not answer.'))
  const customerOf = () => Promise.resolve(null)
  const server = await startServer({
    ...common,
    routes: [permitRoute({ shards: { permit }, identities: { customerOf } })],
  })
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/permits/${unknown}`, {
    method: 'POST',
    body: JSON.stringify({ customerId: 'C1', channel: 'sms' }),
  })
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ code: 'partition_unavailable' })
  await server.stop(1_000)
})

test('another node gets the owner’s answer by one hop, and is told when the partition is not here', async () => {
  const { id: decisionId, channel } = await thanked('C-hop')
  const { shards } = engine.engine
  const server = await startServer({ ...common, routes: nodeRoutes({ shards, now: Date.now, partitions: 1_024 }) })
  const gone = new ShardError('not_owner', 'It is not here.')
  const away = await startServer({
    ...common,
    routes: nodeRoutes({
      shards: { ...shardsOf(shards), permitHere: () => Promise.reject(gone) },
      now: Date.now,
      partitions: 1_024,
    }),
  })
  const client = createNodeClient('key')
  const asked = { customerId: 'C-hop', decisionId, channel }
  expect(await client.permit(`127.0.0.1:${server.port}`, asked, 5_000)).toMatchObject({
    kind: 'answer',
    value: { permitted: true },
  })
  expect(await client.permit(`127.0.0.1:${away.port}`, asked, 5_000)).toEqual({ kind: 'not_owner' })
  client.close()
  await server.stop(1_000)
  await away.stop(1_000)
})

type Parts = Parameters<typeof nodeRoutes>[0]['shards']
/** The methods, bound, so that one of them can be another. */
function shardsOf(shards: Parts): Parts {
  return {
    decideHere: (request) => shards.decideHere(request),
    appliedHere: (position, deadlineAt) => shards.appliedHere(position, deadlineAt),
    customerHere: (customerId) => shards.customerHere(customerId),
    copyHere: (customerId) => shards.copyHere(customerId),
    permitHere: (request) => shards.permitHere(request),
    partitionsHere: () => shards.partitionsHere(),
    reopenHere: (partition, lost) => shards.reopenHere(partition, lost),
  }
}
