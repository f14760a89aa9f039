/** `npm run demo -- --nodes N`: several engines on real servers share the work and are stopped, paused and killed meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type PartName, type RunningPart, startPart } from '../../parts/parts.ts'
import type { DemoOptions } from '../options.ts'
import type { Terminal } from '../terminal.ts'
import { clip, wrap } from '../text-lines.ts'
import { createOperator } from './ask-nodes.ts'
import { type EngineNode, startEngineNode } from './engine-node.ts'
import { perform, type StepResult, stepLines, stepsOf } from './node-steps.ts'
import { type Accounts, settleAccounts } from './settle-accounts.ts'
import { startTraffic, type Totals } from './traffic.ts'

export type NodesOptions = Pick<DemoOptions, 'history' | 'nodes'>

export type NodesFindings = {
  readonly nodes: number
  readonly servers: readonly string[]
  readonly load: typeof load
  readonly sessionTimeoutMs: number
  readonly steps: readonly StepResult[]
  readonly sent: Totals
  readonly accounts: Accounts
}

const key = 'pk_demo_of_several_nodes'
const partitions = 8
const sessionTimeoutMs = 6_000
/** Between two steps, so that what one of them cost is seen whole. */
const restSeconds = 4
const load = { customers: 5_000, eventsPerSecond: 400, requestsPerSecond: 150 } as const

/**
 * Starts servers and nodes, lives through the steps under load and settles the accounts.
 * @returns null when the signal ended it early
 * @throws PartError when a server is missing (the sentence says what to install), Error when the nodes do not settle
 */
export async function runNodes(
  options: NodesOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<NodesFindings | null> {
  const { paint } = terminal
  const say = (text: string): void => terminal.print(wrap(text, terminal.width(), 2))
  terminal.print([paint('bold', `proffer: ${options.nodes} engines share the work on Kafka, Redis and ClickHouse`), ''])
  const parts = await startServers(options, (line) => terminal.print([paint('dim', line)]))
  const nodes: EngineNode[] = []
  try {
    for (const { what } of parts) terminal.print([paint('dim', `  ${what}`)])
    for (let i = 1; i <= options.nodes; i++)
      nodes.push(await startEngineNode(`node-${i}`, settingsOf(parts, options.history)))
    await nodes.at(-1)?.leave()
    say('')
    say(
      `${load.eventsPerSecond} events and ${load.requestsPerSecond} live requests a second go to any node that answers; what is not ` +
        `answered is sent again with the same id. A node that is silent for ${sessionTimeoutMs / 1_000} s loses its partitions.`,
    )
    say('')
    return await live({ options, parts, nodes, terminal, signal })
  } finally {
    terminal.panel([])
    await Promise.allSettled(nodes.map((node) => node.remove()))
    await Promise.allSettled(parts.map((part) => part.stop()))
  }
}

async function live({
  options,
  parts,
  nodes,
  terminal,
  signal,
}: {
  readonly options: NodesOptions
  readonly parts: readonly RunningPart[]
  readonly nodes: readonly EngineNode[]
  readonly terminal: Terminal
  readonly signal: AbortSignal
}): Promise<NodesFindings | null> {
  const operator = createOperator(nodes, key)
  await operator.settled(nodes.slice(0, -1))
  const traffic = startTraffic({ ...load, urls: nodes.map(({ url }) => url), key })
  const steps: StepResult[] = []
  let sent: Totals | null = null
  try {
    await sleep(restSeconds * 1_000)
    for (const step of stepsOf(nodes)) {
      if (signal.aborted) return null
      terminal.panel([terminal.paint('dim', `${step.title} ...`)])
      const { overview, ...result } = await perform(step, { operator, traffic, seconds: restSeconds })
      terminal.print(stepLines({ ...result, overview }, nodes, terminal))
      steps.push(result)
    }
    terminal.panel([terminal.paint('dim', 'settling the accounts ...')])
    sent = await traffic.stop()
    const accounts = await settleAccounts(operator, sent, options.history)
    terminal.panel([])
    terminal.print(closing(accounts, terminal))
    const servers = parts.map(({ what }) => what)
    return { nodes: nodes.length, servers, load, sessionTimeoutMs, steps, sent, accounts }
  } finally {
    if (sent === null) await traffic.stop()
  }
}

/** Whether everything was answered, counted once and published with one content. */
export function isSound({ accounts }: NodesFindings): boolean {
  return accounts.checks.every(({ holds }) => holds)
}

function closing({ checks }: Accounts, { paint, width }: Terminal): string[] {
  const held = checks.filter(({ holds }) => holds).length
  return [
    '',
    paint('bold', 'ACCOUNTS'),
    ...checks.map(
      ({ text, holds }) => `  ${holds ? paint('green', '✔') : paint('red', '✘')} ${clip(text, width() - 4)}`,
    ),
    '',
    paint(['bold', held === checks.length ? 'green' : 'red'], `${held} of ${checks.length} hold.`),
  ]
}

function settingsOf(parts: readonly RunningPart[], history: boolean): Readonly<Record<string, string>> {
  return {
    ...Object.fromEntries(parts.map(({ env }) => env)),
    API_KEY: key,
    PARTITIONS: String(partitions),
    CACHE_MB: '64',
    KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
    HISTORY: history ? 'on' : 'off',
    LOG_LEVEL: 'warn',
  }
}

async function startServers(options: NodesOptions, tell: (line: string) => void): Promise<RunningPart[]> {
  const names: PartName[] = ['kafka', 'redis-pair', ...(options.history ? (['clickhouse'] as const) : [])]
  tell(`starting ${names.join(', ')} ...`)
  const started = await Promise.allSettled(names.map((name) => startPart(name, tell)))
  const parts = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = started.find((one) => one.status === 'rejected')
  if (failure === undefined) return parts
  await Promise.all(parts.map((part) => part.stop()))
  throw failure.reason
}
