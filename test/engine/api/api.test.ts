/** The API as its callers meet it: over real HTTP, against a whole engine. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../../../engine/api/server.ts'
import { owner } from '../../../engine/control/roles.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

let engine: RunningEngine
beforeAll(async () => {
  engine = await runEngine({
    settings: { BODY_MAX_KB: '64', EVENTS_MAX: '50', CORS_ORIGINS: 'https://app.bank.example' },
  })
})
afterAll(() => engine.stop())

const ask = (body: unknown, headers?: Record<string, string>) => engine.call('POST', '/v1/decisions', body, headers)
const post = (body: unknown, path = '/v1/events') => engine.call('POST', path, body)

describe('the key', () => {
  test.each([
    ['no key', { Authorization: '' }, 'key_missing'],
    ['another key', { Authorization: 'Bearer pk_not_this_one' }, 'key_wrong'],
    ['another scheme', { Authorization: 'Basic eDp5' }, 'key_wrong'],
  ])('%s is refused with 401', async (_, headers, code) => {
    const answer = await ask({ customerId: 'C1', placement: 'app_offers' }, headers)
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ code })
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
  })

  test.each(['/livez', '/readyz', '/openapi.json'])('%s needs no key', async (path) => {
    expect((await fetch(engine.url + path)).status).toBe(200)
  })

  test.each(['/metrics', '/v1/customers/C1', '/v1/partitions', '/v1/backfill', '/v1/dead-letters', '/v1/tail'])(
    '%s needs the key',
    async (path) => {
      expect((await fetch(engine.url + path)).status).toBe(401)
    },
  )
})

describe('events', () => {
  test('a sound event is acknowledged when it is committed and counted in the next decision', async () => {
    const answer = await post(repayment('C-ack', 500_000))
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ received: 1, accepted: 1, duplicates: 0, deadLettered: 0, pending: 0 })
    const view = await engine.call('GET', '/v1/customers/C-ack')
    expect(view.body).toMatchObject({ known: true })
  })

  test('the same event twice counts once', async () => {
    const event = repayment('C-twice', 100)
    await post(event)
    expect((await post(event)).body).toMatchObject({ accepted: 0, duplicates: 1 })
  })

  test('a body that is not UTF-8 is kept and read as nothing, so that two ids cannot become one', async () => {
    const text = JSON.stringify({ ...repayment('C-utf8', 100), id: 'X' })
    const [head = '', tail = ''] = text.split('"X"')
    const bytes = Buffer.concat([Buffer.from(`${head}"`), Buffer.from([0xff]), Buffer.from(`"${tail}`)])
    const answer = await fetch(`${engine.url}/v1/events`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${engine.engine.key}`, 'Content-Type': 'application/json' },
      body: bytes,
    })
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ reason: 'undecodable' })
  })

  test('a batch that is nested too deeply is a call that makes no sense', async () => {
    const answer = await post(`[${'['.repeat(30_000)}${']'.repeat(30_000)}]`)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code: 'body_invalid' })
  })

  test('a batch tells what became of each event', async () => {
    const good = repayment('C-batch', 100)
    const answer = await post([good, good, { ...repayment('C-batch', 100), type: 'no.such.type' }, 7])
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ received: 4, accepted: 1, duplicates: 1, deadLettered: 2 })
  })

  test.each([
    ['text that is not JSON', '{"id": ', 'undecodable'],
    ['a type nobody knows', cloudEvent('C1', 'coffee.spilled', {}), 'type_unknown'],
    ['a customer id with a space', repayment('C 1', 100), 'customer_invalid'],
    ['an amount that is text', repayment('C1', Number.NaN), 'field_missing'],
    [
      'a field nobody knows',
      cloudEvent('C1', 'nps.answered', { score: 9, topic: 'app', mood: 'good' }),
      'field_unknown',
    ],
  ])('%s is refused with 422, the reason, and kept', async (_, body, reason) => {
    const answer = await post(body)
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ code: 'event_rejected', reason })
    const { deadLetterId } = Object(answer.body)
    const kept = await engine.call('GET', `/v1/dead-letters/${deadLetterId}`)
    expect(kept.body).toMatchObject({ reason })
    const bytes = Buffer.from(Object(kept.body).bytes, 'base64').toString()
    expect(bytes).toBe(typeof body === 'string' ? body : JSON.stringify(body))
  })

  test('an event older than the lateness is refused by the shard and kept', async () => {
    const answer = await post(repayment('C-late', 100, { time: '2020-01-01T00:00:00Z' }))
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ reason: 'too_late' })
    await engine.engine.shards.drained()
    const kept = await engine.call('GET', `/v1/dead-letters/${Object(answer.body).deadLetterId}`)
    expect(kept.body).toMatchObject({ reason: 'too_late' })
  })

  test('an event in another currency than the bank’s is refused and kept', async () => {
    const body = cloudEvent('C-eur', 'repayment.made', { amount: 100, currency: 'EUR', product: 'credit_card' })
    expect((await post(body)).body).toMatchObject({ reason: 'wrong_currency' })
  })

  test('too many events in one call are refused and none is taken', async () => {
    const before = engine.engine.intake.counters().received
    const answer = await post(Array.from({ length: 51 }, () => repayment('C-many', 1)))
    expect(answer.status).toBe(413)
    expect(engine.engine.intake.counters().received).toBe(before)
  })

  test('a body beyond the limit is refused with 413', async () => {
    const answer = await post(JSON.stringify(repayment('C1', 1, { padding: 'x'.repeat(70_000) })))
    expect(answer.status).toBe(413)
  })

  test('another content type is refused with 415', async () => {
    const answer = await engine.call('POST', '/v1/events', 'a=b', { 'Content-Type': 'text/plain' })
    expect(answer.status).toBe(415)
  })

  test('a deadline that is no number is refused with 400', async () => {
    expect((await post(repayment('C1', 1), '/v1/events?deadlineMs=soon')).status).toBe(400)
  })
})

describe('decisions', () => {
  test('an unknown customer gets a compliant offer, never an error', async () => {
    const answer = await ask({ customerId: 'C-nobody', placement: 'app_offers' })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ outcome: 'fallback', reason: 'cold_start' })
    expect(Object(answer.body).offers.length).toBeGreaterThan(0)
  })

  test('a request asked again gets the same offers, under a new id because the answer reserved nothing', async () => {
    const body = { customerId: 'C-again', placement: 'app_offers', requestId: 'r-1' }
    const first = Object((await ask(body)).body)
    const again = Object((await ask(body)).body)
    expect(again.requestId).toBe('r-1')
    expect(again.offers).toEqual(first.offers)
    expect(again.decisionId).not.toBe(first.decisionId)
  })

  test('an event that was posted is in the next decision when its position is handed over', async () => {
    const posted = await post(repayment('C-own', 100), '/v1/events?deadlineMs=1')
    const { position } = Object(posted.body).events[0]
    const answer = await ask({ customerId: 'C-own', placement: 'app_offers', after: position, deadlineMs: 2_000 })
    expect(answer.status).toBe(200)
    expect(Object(answer.body).reason).not.toBe('deadline_exceeded')
    expect((await engine.call('GET', '/v1/customers/C-own')).body).toMatchObject({ known: true })
  })

  test('a position that never comes gets the fallback at the deadline and says so', async () => {
    const startedAt = performance.now()
    const answer = await ask({ customerId: 'C1', placement: 'app_offers', after: 'p0-999999', deadlineMs: 40 })
    const took = performance.now() - startedAt
    expect(answer.body).toMatchObject({ outcome: 'fallback', reason: 'deadline_exceeded' })
    expect(took).toBeGreaterThan(35)
    expect(took).toBeLessThan(2_000)
  })

  test.each([
    ['no customer', { placement: 'app_offers' }, 400, 'body_invalid'],
    ['a customer id with a slash', { customerId: 'a/b', placement: 'app_offers' }, 400, 'body_invalid'],
    ['a count of zero', { customerId: 'C1', placement: 'app_offers', count: 0 }, 400, 'body_invalid'],
    ['an unknown field', { customerId: 'C1', placement: 'app_offers', colour: 'red' }, 400, 'body_invalid'],
    ['a position of no partition', { customerId: 'C1', placement: 'app_offers', after: 'p99-1' }, 400, 'body_invalid'],
    ['a placement nobody knows', { customerId: 'C1', placement: 'moon' }, 422, 'placement_unknown'],
    ['an outbound placement', { customerId: 'C1', placement: 'sms_message' }, 422, 'placement_unknown'],
    ['text that is not JSON', '{', 400, 'body_invalid'],
  ])('%s is refused', async (_, body, status, code) => {
    const answer = await ask(body)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ code, status })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  })

  test('an error never repeats the value that was wrong', async () => {
    const answer = await ask({ customerId: 'Jane Doe, born 1980', placement: 'app_offers' })
    expect(answer.text).not.toContain('Jane')
  })
})

describe('paths and origins', () => {
  test('an unknown path is 404, a known one with another method 405', async () => {
    expect((await engine.call('GET', '/v2/offers')).status).toBe(404)
    const answer = await engine.call('GET', '/v1/decisions')
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('POST')
  })

  test('a browser origin that is not configured gets no permission', async () => {
    const allowed = await ask({ customerId: 'C1', placement: 'app_offers' }, { Origin: 'https://app.bank.example' })
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.bank.example')
    const other = await ask({ customerId: 'C1', placement: 'app_offers' }, { Origin: 'https://evil.example' })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('a caller that hangs up in the middle of a body does no harm', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(engine.engine.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${engine.engine.key}\r\nContent-Length: 100\r\n\r\n{"id"`,
        )
        setTimeout(() => {
          socket.destroy()
          resolve()
        }, 50)
      })
    })
    expect((await fetch(`${engine.url}/livez`)).status).toBe(200)
  })

  test('the description of the API lists every route and every error code', async () => {
    const document = Object((await engine.call('GET', '/openapi.json')).body)
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/events', '/v1/decisions', '/v1/customers/{id}', '/metrics', '/livez']),
    )
    expect(document.components.schemas.Problem.properties.code.enum).toContain('log_full')
  })
})

describe('looking', () => {
  test('an event that fired nothing is explained from the log', async () => {
    const event = repayment('C-why', 499_999)
    await post(event)
    const answer = await engine.call('GET', `/v1/explain?customer=C-why&event=${event['id']}`)
    expect(answer.status).toBe(200)
    expect(Object(answer.body).explanation.join('\n')).toContain('event.amount = 4999.99')
    const chinese = await engine.call('GET', `/v1/explain?customer=C-why&event=${event['id']}&language=zh`)
    expect(Object(chinese.body).explanation.join('')).toMatch(/[\u4e00-\u9fff]/)
  })

  test('an event that is not in the log is a 404', async () => {
    expect((await engine.call('GET', '/v1/explain?customer=C-why&event=nope')).status).toBe(404)
  })

  test('decisions can be followed page by page without missing or repeating one', async () => {
    for (let i = 0; i < 5; i++)
      await ask({ customerId: `C-tail-${i}`, placement: 'app_offers', requestId: `tail-${i}` })
    await engine.engine.shards.drained()
    const asked: string[] = []
    let cursor = 'start'
    for (;;) {
      const page = Object((await engine.call('GET', `/v1/tail?cursor=${cursor}&limit=3`)).body)
      if (page.decisions.length === 0) break
      for (const { cause } of page.decisions) if (/^tail-/.test(cause.id)) asked.push(cause.id)
      cursor = page.cursor
    }
    expect(asked.sort()).toEqual(['tail-0', 'tail-1', 'tail-2', 'tail-3', 'tail-4'])
  })

  test('without history a decision cannot be looked up and the answer says how', async () => {
    const answer = await engine.call('GET', `/v1/decisions/${'0'.repeat(32)}`)
    expect(answer.status).toBe(503)
    expect(answer.body).toMatchObject({ code: 'history_off' })
  })

  test('metrics cover requests, batches, stages, lag, cache, dead letters and the event loop', async () => {
    // Counts of the funnel come with the first batch of the next second.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await post(repayment('C-metrics', 900_000))
    const { text } = await engine.call('GET', '/metrics')
    for (const name of [
      'http_request_duration_seconds_bucket{le="0.0001",route="/v1/decisions"',
      'decision_stage_duration_seconds_bucket{le="0.0001",stage="step"',
      'decision_stage_duration_seconds_bucket{le="0.0001",stage="commit"',
      'batch_events_count_bucket',
      'decisions_made_total{placement="sms_message",outcome="offered"}',
      'candidates_total{stage="offered",reason="offered"}',
      'trigger_evaluation_seconds_bucket{le="1e-8",trigger="large-repayment"}',
      'suppressions_total',
      'cap_reached_total',
      'log_lag_records{partition="0"}',
      'outbox_lag_commits{partition="0"}',
      'cache_used_bytes',
      'dead_letters_kept_count{reason="type_unknown"}',
      'events_rejected_count{reason="undecodable"}',
      'events_applied_count{status="accepted"}',
      'nodejs_eventloop_lag_seconds',
      'nodejs_gc_duration_seconds',
    ])
      expect(text).toContain(name)
    expect(text).not.toContain('C-own')
  })
})

test('a port that another engine listens on is refused, not shared', async () => {
  const second = startServer({
    host: '127.0.0.1',
    port: engine.engine.port,
    routes: [],
    keyCheck: () => owner,
    nodeKeyCheck: () => owner,
    corsOrigins: [],
    bodyMaxBytes: 1024,
    inFlightMax: 1,
    onRefused: () => undefined,
    observe: () => undefined,
  })
  await expect(second).rejects.toMatchObject({ code: 'listen_failed' })
})
