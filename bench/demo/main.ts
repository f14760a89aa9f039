/** `npm run demo`: exit code 0 when every story ended as told and nothing was lost, 1 when not, 2 for wrong options, 130 when interrupted. */

import { stopSignal } from '../../engine/cli/stop-signal.ts'
import { createDataDir } from './data-dir.ts'
import { isSound, runNodes } from './nodes/run-nodes.ts'
import { type DemoOptions, parseOptions } from './options.ts'
import { isGood, reportJson } from './report.ts'
import { runDemo } from './run-demo.ts'
import { openTerminal, type Terminal } from './terminal.ts'

// A reader that closes early (`| head`) ends the demo quietly.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') process.exit(0)
    throw cause
  })
}

const parsed = parseOptions(process.argv.slice(2))
process.exitCode = parsed.kind === 'exit' ? parsed.code : await main(parsed.options)

async function main(options: DemoOptions): Promise<number> {
  const terminal = openTerminal(options.json ? process.stderr : process.stdout)
  const signal = stopSignal()
  if (options.nodes > 1) return shareTheWork(options, terminal, signal)
  const dataDir = createDataDir(options)
  try {
    const found = await runDemo(options, dataDir.path, terminal, signal)
    if (found === null) {
      terminal.print([
        options.keep ? `Stopped. What there is is in ${dataDir.path}.` : 'Stopped; the data directory is removed.',
      ])
      return 130
    }
    if (options.keep) terminal.print(waysToExplore(dataDir.path, found.example))
    if (options.json) process.stdout.write(`${JSON.stringify(reportJson(found))}\n`)
    return isGood(found) ? 0 : 1
  } catch (cause) {
    terminal.panel([])
    terminal.print([`The demo failed: ${sentenceOf(cause)}`])
    return 1
  } finally {
    dataDir.remove()
  }
}

/** Several engines on servers, see `nodes/`. */
async function shareTheWork(options: DemoOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  try {
    const found = await runNodes(options, terminal, signal)
    if (found === null) return 130
    if (options.json) process.stdout.write(`${JSON.stringify({ ...found, good: isSound(found) })}\n`)
    return isSound(found) ? 0 : 1
  } catch (cause) {
    terminal.panel([])
    terminal.print([`The demo failed: ${sentenceOf(cause)}`])
    return 1
  }
}

/** Errors with a `code` are expected failures: their sentence is enough. Anything else is a bug and shows its stack. */
function sentenceOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const expected = 'code' in cause && !String(cause.code).startsWith('ERR_')
  return expected ? cause.message : (cause.stack ?? cause.message)
}

function waysToExplore(path: string, decision: string | null): string[] {
  const commands = [
    'inspect C-mia',
    'tail --from-start --limit 20',
    'sql "SELECT customer_id, offer_ids FROM decisions WHERE customer_id LIKE \'C-%\'"',
    ...(decision === null ? [] : [`explain ${decision}`, `explain ${decision} --language zh`]),
    'deadletters list',
  ]
  return [
    `The data is in ${path}. Have a look:`,
    `  export DATA_DIR=${path}`,
    ...commands.map((one) => `  npm run proffer -- ${one}`),
  ]
}
