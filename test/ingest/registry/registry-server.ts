/**
 * A small schema registry that speaks the Confluent API: what the engine asks of one and what operators do to one, in memory,
 * with the ways a real one fails.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import avro from 'avsc'

/** How the server behaves; may be changed while it runs. */
export type Behaviour = {
  /** Waits before each answer. */
  delayMs?: number
  /** Takes connections and answers nothing. */
  isDead?: boolean
  /** Answers the next calls with these statuses instead of working. */
  failNext?: number[]
  /** Value the `authorization` header must have. */
  authorization?: string
  /** Answers every GET like this. */
  instead?: { readonly status: number; readonly type: string; readonly body: string; readonly location?: string }
}

export type RegistryServer = {
  readonly url: string
  readonly behaviour: Behaviour
  /** `METHOD path` of every call, in order. */
  readonly calls: readonly string[]
  /** Headers of the last call. */
  lastHeaders(): IncomingMessage['headers']
  /** Puts a schema under a subject without any check; its id. */
  put(subject: string, schema: string): number
  close(): Promise<void>
}

type Level = 'BACKWARD' | 'NONE'
type Subject = { readonly ids: number[]; level: Level }
type Answer = { readonly status: number; readonly body: unknown }

/** @param firstId registries do not number from 1 on everywhere */
export async function startRegistryServer({
  firstId = 1,
}: {
  readonly firstId?: number
} = {}): Promise<RegistryServer> {
  const behaviour: Behaviour = {}
  const calls: string[] = []
  const store = createStore(firstId)
  let headers: IncomingMessage['headers'] = {}

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    calls.push(`${request.method} ${request.url}`)
    headers = request.headers
    let body = ''
    for await (const chunk of request) body += chunk
    if (behaviour.isDead === true) return
    if (behaviour.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, behaviour.delayMs))
    const { instead } = behaviour
    if (instead !== undefined && request.method === 'GET') {
      response.writeHead(instead.status, {
        'content-type': instead.type,
        ...(instead.location === undefined ? {} : { location: instead.location }),
      })
      response.end(instead.body)
      return
    }
    const answer = answerTo(request, body)
    response.writeHead(answer.status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
    response.end(JSON.stringify(answer.body))
  }

  function answerTo(request: IncomingMessage, body: string): Answer {
    const failure = behaviour.failNext?.shift()
    if (failure !== undefined) return refused(failure, failure * 100 + 1, 'Error in the backend datastore')
    if (behaviour.authorization !== undefined && request.headers.authorization !== behaviour.authorization) {
      return refused(401, 40101, 'Unauthorized')
    }
    const [path = ''] = (request.url ?? '').split('?')
    const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(path) ?? []
    if (id !== undefined && request.method === 'GET') return store.schemaOf(Number(id))
    const [, subject] = /^\/subjects\/([^/]+)\/versions$/.exec(path) ?? []
    if (subject !== undefined && request.method === 'POST') return store.register(decodeURIComponent(subject), body)
    const [, configured] = /^\/config\/([^/]+)$/.exec(path) ?? []
    if (configured !== undefined && request.method === 'PUT') {
      return store.configure(decodeURIComponent(configured), body)
    }
    return refused(404, 404, 'HTTP 404 Not Found')
  }

  const server = createServer((request, response) => void serve(request, response))
  await listen(server)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    behaviour,
    calls,
    lastHeaders: () => headers,
    put: store.put,
    async close() {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    },
  }
}

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

function createStore(firstId: number) {
  const texts = new Map<number, string>()
  const subjects = new Map<string, Subject>()

  function subjectOf(name: string): Subject {
    const subject = subjects.get(name) ?? { ids: [], level: 'BACKWARD' }
    subjects.set(name, subject)
    return subject
  }

  /** One text has one id, whatever its subjects. */
  function put(subjectName: string, text: string): number {
    let id = [...texts].find(([, known]) => known === text)?.[0]
    if (id === undefined) {
      id = firstId + texts.size
      texts.set(id, text)
    }
    const { ids } = subjectOf(subjectName)
    if (!ids.includes(id)) ids.push(id)
    return id
  }

  return {
    put,
    schemaOf(id: number): Answer {
      const schema = texts.get(id)
      return schema === undefined ? refused(404, 40403, `Schema ${id} not found`) : { status: 200, body: { schema } }
    },
    register(subjectName: string, body: string): Answer {
      const { schema } = Object(JSON.parse(body))
      const type = typeof schema === 'string' ? typeOf(schema) : undefined
      if (type === undefined) return refused(422, 42201, 'Invalid schema')
      const { ids, level } = subjectOf(subjectName)
      const known = ids.find((id) => texts.get(id) === schema)
      if (known !== undefined) return { status: 200, body: { id: known } }
      const earlier = ids.map((id) => typeOf(texts.get(id) ?? ''))
      if (level !== 'NONE' && !earlier.every((old) => old !== undefined && canRead(type, old))) {
        return refused(409, 409, `Schema being registered is incompatible with an earlier schema of "${subjectName}"`)
      }
      return { status: 200, body: { id: put(subjectName, schema) } }
    },
    configure(subjectName: string, body: string): Answer {
      const { compatibility } = Object(JSON.parse(body))
      subjectOf(subjectName).level = compatibility === 'NONE' ? 'NONE' : 'BACKWARD'
      return { status: 200, body: { compatibility } }
    },
  }
}

function refused(status: number, code: number, message: string): Answer {
  return { status, body: { error_code: code, message } }
}

function typeOf(schema: string): avro.Type | undefined {
  try {
    return avro.Type.forSchema(JSON.parse(schema), { wrapUnions: 'always' })
  } catch {
    return undefined
  }
}

function canRead(reader: avro.Type, writer: avro.Type): boolean {
  try {
    reader.createResolver(writer)
    return true
  } catch {
    return false
  }
}
