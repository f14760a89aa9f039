import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { authorizationOf } from '../../../ingest/registry/authorization.ts'
import { createHttpRegistry } from '../../../ingest/registry/http-registry.ts'
import { SCHEMA_BYTES_MAX, SchemaRegistryError } from '../../../ingest/registry/schema-registry.ts'
import { type RegistryServer, startRegistryServer } from './registry-server.ts'

const note = JSON.stringify({ type: 'record', name: 'Note', fields: [{ name: 'text', type: 'string' }] })
const retry = { firstMs: 5, mostMs: 20 }

let server: RegistryServer
beforeEach(async () => {
  server = await startRegistryServer({ firstId: 40 })
})
afterEach(() => server.close())

/** The error of a call that has to fail. */
async function failureOf(call: Promise<unknown>): Promise<SchemaRegistryError> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (cause: unknown) => cause,
  )
  if (error instanceof SchemaRegistryError) return error
  throw error
}

test('the two calls go where the API has them, with its media type', async () => {
  const registry = createHttpRegistry({ url: `${server.url}/` })
  const id = await registry.register('events/new-proffer.Note', note, 1_000)
  expect(server.lastHeaders()['content-type']).toBe('application/vnd.schemaregistry.v1+json')
  expect(await registry.schemaOf(id, 1_000)).toEqual({ kind: 'schema', text: note })
  expect(server.lastHeaders().accept).toContain('application/vnd.schemaregistry.v1+json')
  expect(server.calls).toEqual(['POST /subjects/events%2Fnew-proffer.Note/versions', 'GET /schemas/ids/40'])
})

test('a path in the address stays in front of the calls', async () => {
  const registry = createHttpRegistry({ url: `${server.url}/apis/ccompat/v7/`, retry })
  await failureOf(registry.schemaOf(40, 200))
  expect(server.calls[0]).toBe('GET /apis/ccompat/v7/schemas/ids/40')
})

test.each([
  [
    'user and password of the address',
    (url: string) => ({ url: url.replace('//', '//li:p%40ss@') }),
    'Basic bGk6cEBzcw==',
  ],
  [
    'a file with user and password',
    (url: string) => ({ url, authorization: authorizationOf('li:p@ss\n') }),
    'Basic bGk6cEBzcw==',
  ],
  ['a file with a token', (url: string) => ({ url, authorization: authorizationOf(' t0ken\n') }), 'Bearer t0ken'],
])('%s opens a registry that asks for it', async (_, options, authorization) => {
  server.put('notes-value', note)
  server.behaviour.authorization = authorization
  expect(await createHttpRegistry(options(server.url)).schemaOf(40, 1_000)).toEqual({ kind: 'schema', text: note })
})

test('a registry that wants other credentials is not asked twice, and the error says to look at them', async () => {
  server.behaviour.authorization = 'Bearer other'
  const error = await failureOf(createHttpRegistry({ url: server.url, retry }).schemaOf(40, 1_000))
  expect(error).toMatchObject({ code: 'registry_denied', retryable: false })
  expect(error.message).toContain('check the credentials')
  expect(server.calls).toHaveLength(1)
})

test('no error holds a password, however the call fails', async () => {
  const secret = 'hunter2hunter2'
  const url = server.url.replace('//', `//li:${secret}@`)
  const errors: unknown[] = []
  const registry = createHttpRegistry({ url, retry, timeoutMs: 30 })
  server.behaviour.authorization = 'Basic other'
  errors.push(await failureOf(registry.schemaOf(1, 200)))
  server.behaviour.instead = { status: 200, type: 'text/html', body: '<p>hello' }
  errors.push(await failureOf(registry.schemaOf(1, 60)))
  server.behaviour.isDead = true
  errors.push(await failureOf(registry.schemaOf(1, 60)))
  await server.close()
  errors.push(await failureOf(registry.schemaOf(1, 60)))
  for (const bad of [`http://li:${secret}@ho st`, `ftp://li:${secret}@host`, `http://li:${secret}%@host`]) {
    try {
      createHttpRegistry({ url: bad })
      throw new Error('taken')
    } catch (error) {
      errors.push(error)
    }
  }
  try {
    createHttpRegistry({ url: server.url, authorization: `Bearer ${secret}\nx: y` })
  } catch (error) {
    errors.push(error)
  }
  expect(errors).toHaveLength(8)
  for (const error of errors) expect(everything(error)).not.toMatch(/hunter2|bGk6aHVudGVy/)
})

/** All that a logger could print of an error. */
function everything(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => `${name}=${String(Reflect.get(error, name))}`)
  return `${error.name} ${own.join(' ')} ${error.cause === undefined ? '' : everything(error.cause)}`
}

test('what may pass by itself is asked again until it works', async () => {
  server.put('notes-value', note)
  server.behaviour.failNext = [500, 503, 429, 502]
  expect(await createHttpRegistry({ url: server.url, retry }).schemaOf(40, 5_000)).toMatchObject({ kind: 'schema' })
  expect(server.calls).toHaveLength(5)
})

test.each([
  ['fails with 500', { failNext: Array(1_000).fill(500) }],
  ['takes the call and says nothing', { isDead: true }],
  ['is slower than it may be', { delayMs: 500 }],
])('a registry that %s is unavailable at the deadline, not before and not much later', async (_, behaviour) => {
  Object.assign(server.behaviour, behaviour)
  const startedAt = performance.now()
  const error = await failureOf(createHttpRegistry({ url: server.url, retry, timeoutMs: 40 }).schemaOf(40, 150))
  const tookMs = performance.now() - startedAt
  expect(error).toMatchObject({ code: 'registry_unavailable', retryable: true })
  expect(tookMs).toBeGreaterThan(100)
  expect(tookMs).toBeLessThan(1_000)
  expect(server.calls.length).toBeGreaterThan(1)
})

test('a registry that is not there is unavailable, with the reason in the error', async () => {
  await server.close()
  const error = await failureOf(createHttpRegistry({ url: server.url, retry }).schemaOf(40, 30))
  expect(error).toMatchObject({ code: 'registry_unavailable', retryable: true })
  expect(error.message).toContain('ECONNREFUSED')
})

test.each([
  ['a wrong path', { status: 404, type: 'application/json', body: '{"error_code": 404, "message": "HTTP 404"}' }],
  ['a proxy without a page', { status: 404, type: 'text/html', body: '<h1>Not Found</h1>' }],
  ['a page instead of the API', { status: 200, type: 'text/html', body: '<h1>Sign in</h1>' }],
  ['JSON of something else', { status: 200, type: 'application/json', body: '{"status": "ok"}' }],
  ['a redirect', { status: 302, type: 'text/plain', body: '', location: 'http://127.0.0.1:1/schemas/ids/40' }],
])('%s is never taken for an unknown schema', async (_, instead) => {
  server.behaviour.instead = instead
  expect(await failureOf(createHttpRegistry({ url: server.url, retry }).schemaOf(40, 200))).toMatchObject({
    code: 'answer_unexpected',
    retryable: true,
  })
})

test('a schema that is too long is a definite answer, also when it never ends', async () => {
  const registry = createHttpRegistry({ url: server.url, retry })
  server.put('long-value', `"${'x'.repeat(SCHEMA_BYTES_MAX)}"`)
  expect(await registry.schemaOf(40, 5_000)).toEqual({ kind: 'too_large' })

  const endless = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"schema": "')
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) {}
    }
    response.on('drain', write)
    write()
  })
  await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve))
  const address = endless.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  expect(await createHttpRegistry({ url, retry }).schemaOf(40, 5_000)).toEqual({ kind: 'too_large' })
  endless.close()
  endless.closeAllConnections()
})

test('a conflict is asked about once more, as another engine may be starting too', async () => {
  const registry = createHttpRegistry({ url: server.url, retry })
  server.behaviour.failNext = [409]
  expect(await registry.register('notes-value', note, 1_000)).toBe(40)
  server.behaviour.failNext = [409, 409]
  expect(await failureOf(registry.register('notes-value', note, 1_000))).toMatchObject({ code: 'schema_incompatible' })
  expect(server.calls).toHaveLength(4)
})

test('a refused version names its subject and what to do', async () => {
  const registry = createHttpRegistry({ url: server.url, retry })
  await registry.register('events-proffer.Note', note, 1_000)
  const other = note.replace('"string"', '"int"')
  const error = await failureOf(registry.register('events-proffer.Note', other, 1_000))
  expect(error.code).toBe('schema_incompatible')
  expect(error.message).toContain('subject events-proffer.Note')
  expect(error.message).toContain('relax the compatibility')
})
