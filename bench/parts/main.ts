/**
 * `npm run parts`: exit code 0 when told to stop, 1 when a part is missing, did not start or ended by itself, 2 for wrong
 * arguments.
 */
import { stopSignal } from '../../engine/cli/stop-signal.ts'
import { messageOf } from './part-error.ts'
import { type PartName, type RunningPart, startPart } from './parts.ts'
import { type PartsOptions, parsePartsOptions } from './parts-options.ts'

const parsed = parsePartsOptions(process.argv.slice(2))
process.exitCode = parsed.kind === 'exit' ? parsed.code : await main(parsed.options)

async function main({ names, json }: PartsOptions): Promise<number> {
  const signal = stopSignal()
  const told = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  // Told to stop meanwhile, we still wait, so that what was begun is removed. A second signal ends us at once, and the tethers
  // of the parts then do the same.
  const { parts, failures } = await startAll(names)
  for (const failure of failures) tell(failure)
  let died: string | null = null
  if (failures.length === 0 && !signal.aborted) {
    process.stdout.write(json ? `${JSON.stringify(report(parts))}\n` : lines(parts))
    died = await Promise.race([told, ...parts.map((part) => part.died)])
    if (died !== null) tell(died)
  }
  await Promise.all(parts.map((part) => part.stop()))
  tell('The parts are stopped and their data is removed.')
  return failures.length > 0 || died !== null ? 1 : 0
}

async function startAll(names: readonly PartName[]) {
  tell(`Starting ${names.join(', ')} ...`)
  const parts: RunningPart[] = []
  const failures: string[] = []
  await Promise.all(
    names.map(async (name) => {
      try {
        parts.push(await startPart(name, tell))
      } catch (cause) {
        failures.push(`${name} is not there: ${messageOf(cause)}`)
      }
    }),
  )
  parts.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  return { parts, failures }
}

/** Lines to paste into a shell. A variable is exported once; further parts that want it are there as comments. */
function lines(parts: readonly RunningPart[]): string {
  const exported = new Set<string>()
  const blocks = parts.map(({ what, env: [name, value] }) => {
    const prefix = exported.has(name) ? '# ' : ''
    exported.add(name)
    return `# ${what}\n${prefix}export ${name}=${value}\n`
  })
  return `${blocks.join('')}# Ctrl-C stops them and removes their data.\n`
}

function report(parts: readonly RunningPart[]) {
  return { parts: parts.map(({ name, what, env: [variable, value], pids }) => ({ name, what, variable, value, pids })) }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
