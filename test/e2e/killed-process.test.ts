/**
 * The whole program, killed with SIGKILL at random moments under load and started again on the same folder.
 *
 * Each event is sent until it is acknowledged, as a careful sender does; then nothing may be lost or counted twice, each decision
 * id has one content, and the history holds what the logs hold.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { replayed, runEngine } from '../engine/running-engine.ts'

const seed = 20_261
const kills = Number(process.env['KILLS'] ?? '6')
const customers = 40
const batches = 240
const dataDir = mkdtempSync(join(tmpdir(), 'proffer-kill-'))
let child: ChildProcess | null = null
afterAll(() => {
  child?.kill('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

/** A small generator of numbers in [0, 1), so that a failing run can be repeated. */
function numbers(start: number): () => number {
  let state = start
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function start(): Promise<string> {
  const settings = { DATA_DIR: dataDir, PORT: '0', HISTORY: 'off', CACHE_MB: '32', LOG_LEVEL: 'info' }
  const started = spawn(process.execPath, ['engine/main.ts', 'serve'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child = started
  return new Promise((resolve, reject) => {
    let text = ''
    started.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const address = /"address":"([^"]+)"/.exec(text)?.[1]
      if (address !== undefined) resolve(address)
    })
    started.once('exit', (code) => reject(new Error(`the engine ended with ${code}`)))
  })
}

/** Every event of the run: repayments whose count per customer is known, every seventh one sent twice in its batch. */
function batch(number: number): Record<string, unknown>[] {
  const events: Record<string, unknown>[] = []
  for (let i = 0; i < 20; i++) {
    const customer = (number * 7 + i * 3) % customers
    const event = {
      specversion: '1.0',
      id: `k-${number}-${i}`,
      source: 'core-banking',
      type: 'repayment.made',
      subject: `K${customer}`,
      time: new Date().toISOString(),
      data: { amount: 600_000, currency: 'CNY', product: 'credit_card' },
    }
    events.push(event)
    if (i % 7 === 0) events.push(event)
  }
  return events
}

test(`nothing is lost or counted twice when the process is killed ${kills} times under load`, {
  timeout: 300_000,
}, async () => {
  const random = numbers(seed)
  let address = await start()
  let killsLeft = kills
  const killSoon = (): void => {
    if (killsLeft === 0) return
    killsLeft -= 1
    const victim = child
    setTimeout(() => victim?.kill('SIGKILL'), 30 + random() * 400)
  }
  killSoon()
  const key = (await readFile(join(dataDir, 'api-key'), 'utf8')).trim()
  for (let number = 0; number < batches || killsLeft > 0; number++) {
    const body = JSON.stringify(batch(number % batches))
    for (;;) {
      try {
        const response = await fetch(`${address}/v1/events`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
          body,
        })
        await response.text()
        if (response.status === 200) break
      } catch {
        // Killed in the middle: not acknowledged, so it is sent again to the next process.
        address = await start()
        killSoon()
      }
    }
  }
  child?.kill('SIGTERM')
  await new Promise((resolve) => child?.once('exit', resolve))

  const running = await runEngine({ dataDir, history: true })
  try {
    const { shards, events } = running.engine
    await shards.drained()
    const totals = await shards.totals()
    let appended = 0
    for (let p = 0; p < events.partitions; p++) appended += (await events.bounds(p)).end
    expect(totals.accepted).toBe(batches * 20)
    expect(totals.accepted + totals.duplicates + totals.deadLettered).toBe(appended)

    const contentOf = new Map<string, string>()
    let cursor = 'start'
    for (;;) {
      const page = Object((await running.call('GET', `/v1/tail?cursor=${cursor}&limit=1000`)).body)
      if (page.decisions.length === 0) break
      for (const decision of page.decisions) {
        const content = JSON.stringify(decision)
        expect(contentOf.get(decision.id) ?? content).toBe(content)
        contentOf.set(decision.id, content)
      }
      cursor = page.cursor
    }
    expect(contentOf.size).toBe(totals.decisions)
    expect(contentOf.size).toBe(batches * 20)

    expect(await running.engine.history?.flush(60_000)).toBe(true)
    const rows = await running.call('POST', '/v1/sql', {
      query: 'SELECT (SELECT count() FROM events FINAL) AS events, (SELECT count() FROM decisions FINAL) AS decisions',
      format: 'json',
    })
    const counted = JSON.parse(Object(rows.body).text)
    expect(Number(counted.decisions)).toBe(batches * 20)
    expect(Number(counted.events)).toBe(batches * 20)

    // What the killed processes decided is computed again, to the byte.
    const span = { from: new Date(Date.now() - 86_400_000), to: new Date(Date.now() + 86_400_000) }
    const day = `from=${span.from.toISOString()}&to=${span.to.toISOString()}`
    expect((await running.call('POST', `/v1/replays?${day}`, {})).status).toBe(202)
    expect(await replayed(running)).toMatchObject({
      state: 'done',
      equal: batches * 20,
      different: 0,
      holes: [],
      incomparable: { hole: 0, commit_lost: 0, node_fallback: 0 },
    })
  } finally {
    await running.stop()
  }
})
