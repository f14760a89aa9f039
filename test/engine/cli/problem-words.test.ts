/** Goal: who typed a command is told of the command, never of paths, methods, bodies and headers. Method: a real engine refuses. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, type ClientReply, createClient, problemText } from '../../../engine/cli/client.ts'
import { type RunningEngine, runEngine } from '../running-engine.ts'

let engine: RunningEngine
let client: Client
beforeAll(async () => {
  engine = await runEngine()
  client = createClient(engine.url, engine.engine.key)
}, 120_000)
afterAll(() => engine.stop(), 60_000)

/** What speaks of calls to a program. */
const ofCalls =
  /\/v1\/|\bGET\b|\bPOST\b|HTTP|[Hh]eader|openapi|[Qq]uery parameter|\b[Bb]ody\b|this call|path|\b[45]\d\d\b|`report`/

const stranger = () => createClient(engine.url, 'k'.repeat(32))
const unsound = { files: { 'pack.yaml': 'bogus: 1' }, why: 'x' }

test.each<[string, () => Promise<ClientReply>, RegExp]>([
  ['a customer that is none', () => client.get('/v1/customers/a%2Fb'), /^A customer is an id, /],
  ['a version that is not there', () => client.get('/v1/versions/99'), /^There is no version 99: `proffer pack list`/],
  ['a source that is not there', () => client.post('/v1/sources/x/revoke', { why: 'x' }), /`proffer sources` lists/],
  ['a rule that works', () => client.post('/v1/quarantine/lift?rule=x', {}), /`proffer quarantine` lists/],
  ['a role that is none', () => client.post('/v1/keys', { name: 'a', roles: ['king'] }), /^roles\.0: .*"operator"/],
  ['a pack that is not sound', () => client.post('/v1/versions', unsound), /`proffer check` prints why\.$/],
  ['a key of somebody else', () => stranger().get('/v1/partitions'), /not one of this engine\. Set PROFFER_KEY/],
  ['a command of another release', () => client.get('/v1/moon-phases'), /^The engine does not know .* another release/],
  ['one that asks otherwise there', () => client.post('/v1/partitions', {}), /^The engine does not know .* release/],
])('%s', { timeout: 120_000 }, async (_, ask, said) => {
  const text = problemText(await ask())
  expect(text).toMatch(said)
  expect(text).not.toMatch(ofCalls)
})

test('something else that answers in place of an engine', () => {
  const text = problemText({ status: 502, body: '<html>Bad Gateway</html>' })
  expect(text).toMatch(/ENGINE_URL/)
  expect(text).not.toMatch(ofCalls)
})
