/** Stands before a ClickHouse server and lets a test interfere with single statements. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { z } from 'zod'

/**
 * What becomes of a statement. `lose_answer`: it is carried out and the client never hears of it. `refuse`: the connection is cut
 * before it is carried out.
 */
export type Fate = 'pass' | 'lose_answer' | 'refuse'

export type StatementProxy = {
  readonly port: number
  /** Asked for each statement, with its text, before it is carried out; may take its time. */
  onStatement: (sql: string) => Fate | Promise<Fate>
  close(): Promise<void>
}

export async function startStatementProxy(target: string): Promise<StatementProxy> {
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: StatementProxy = {
    port: z.object({ port: z.number() }).parse(server.address()).port,
    onStatement: () => 'pass',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const inUrl = new URL(incoming.url ?? '/', 'http://proxy').searchParams.get('query')
    const fate = await proxy.onStatement(inUrl ?? body.toString('utf8'))
    if (fate === 'refuse') return void response.destroy()
    const answer = await forward(incoming, body)
    if (fate === 'lose_answer') return void response.destroy()
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }

  function forward(incoming: IncomingMessage, body: Buffer) {
    const { 'transfer-encoding': _, ...headers } = incoming.headers
    const options = { method: incoming.method ?? 'GET', headers: { ...headers, 'content-length': body.length } }
    return new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>((resolve, reject) => {
      const sent = request(new URL(incoming.url ?? '/', target), options, async (answer) => {
        const parts: Buffer[] = []
        for await (const part of answer) parts.push(part)
        resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(parts) })
      })
      sent.once('error', reject)
      sent.end(body)
    })
  }
  return proxy
}
