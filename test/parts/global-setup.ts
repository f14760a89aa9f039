/**
 * Runs once for a whole test run, in Vitest's own process: serves the shared parts to the test processes over loopback, ends
 * them when the run is over, and says on which real parts it ran. Nothing is started, nor even loaded, that no test file asks
 * for.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import type { MigratedHistory } from './migrated-history.ts'
import { partsLine, skippedFor } from './parts-line.ts'
import type { PartAnswer, SharedParts } from './shared-parts.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where test files ask for parts, `http://127.0.0.1:port`. */
    partsHost: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let parts: SharedParts | null = null
  let migrated: MigratedHistory | null = null
  const answer = async (path: string): Promise<PartAnswer | string | null> => {
    if (path === '/migrated-history') {
      const { createMigratedHistory } = await import('./migrated-history.ts')
      migrated ??= createMigratedHistory()
      return migrated.folder()
    }
    const { createSharedParts, partNeeds } = await import('./shared-parts.ts')
    parts ??= createSharedParts(process.env)
    const need = partNeeds.find((one) => path === `/${one}`)
    return need === undefined ? null : parts.answer(need)
  }
  const host = createServer((request, response) => {
    answer(request.url ?? '/')
      .then((answer) => response.end(JSON.stringify(answer)))
      .catch(() => response.destroy())
  })
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  const address = host.address()
  project.provide('partsHost', `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)
  return async () => {
    host.close()
    host.closeAllConnections()
    await migrated?.remove()
    if (parts === null) return
    const line = partsLine(await parts.answers(), (title) => skippedFor(title, project.vitest.state.getTestModules()))
    await parts.stop()
    if (line !== null) process.stdout.write(`\n${line}\n`)
  }
}
