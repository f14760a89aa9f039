/** What comes in while things break: events from systems that need no engine, and customers who ask the engines that run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type Random } from '../../bench/workload/random.ts'
import { signingSecret } from '../../engine/nodes/node-key.ts'
import type { Event } from '../../ingest/event.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import { recordOf, sentReceipt, worldEvent } from '../simulation/workload.ts'
import { customers, type FaultBank, partitions, salt } from './fault-bank.ts'

export type LoadOptions = {
  /** How many events, one every `everyMs`. */
  readonly events: number
  readonly everyMs?: number
  /** A request every so many milliseconds, some of them again. */
  readonly askEveryMs?: number
}

const askWithinMs = 400
const applyWithinMs = 2_000
const lookForSentMs = 300

/**
 * Runs a load; further ones of the same bank go on where the one before ended. Resolves when every event is in the log and
 * every request has its answer.
 */
export async function runLoad(bank: FaultBank, { events, everyMs = 8, askEveryMs = 16 }: LoadOptions): Promise<void> {
  const load = new Load(bank)
  const until = bank.count.events + events
  await Promise.all([load.produce(until, everyMs), load.ask(until, askEveryMs), load.lookForSent(until)])
  await load.settled()
}

/**
 * Begins a load that goes on, `events` at a time, until it is told to end; then it runs as many once more, so that something
 * comes in behind whatever was done meanwhile.
 */
export function beginLoad(bank: FaultBank, options: LoadOptions): { readonly end: () => Promise<void> } {
  let isEnding = false
  const running = (async () => {
    while (!isEnding) await runLoad(bank, options)
    await runLoad(bank, options)
  })()
  // A test that failed before closes the bank under the load; else its failure is that of `end`.
  running.catch(() => {})
  return {
    end() {
      isEnding = true
      return running
    },
  }
}

class Load {
  readonly #bank: FaultBank
  readonly #random: Random
  readonly #sign = createRecordSignature(signingSecret(salt)).sign
  readonly #open = new Set<Promise<void>>()
  /** A decision that went out lately, whose message may fail or be reported as sent. */
  #sent: { readonly id: string; readonly customerId: string } | null = null

  constructor(bank: FaultBank) {
    this.#bank = bank
    this.#random = createRandom(bank.seed, `workload from ${bank.count.events}`)
  }

  async produce(until: number, everyMs: number): Promise<void> {
    const { count } = this.#bank
    const began = Date.now() - count.events * everyMs
    while (count.events < until) {
      // Late by the time that others took: then several at once.
      const due = Math.min(until, Math.ceil((Date.now() - began) / everyMs))
      while (count.events < due) this.#produceOne(this.#nextEvent(count.events++))
      await sleep(everyMs)
    }
  }

  #nextEvent(n: number): Event {
    const sent = this.#sent
    if (sent !== null && n > customers * 2 && this.#random.chance(0.05)) {
      return sentReceipt(n, sent.id, sent.customerId, Date.now())
    }
    return worldEvent(n, this.#random, Date.now(), customers, sent?.id ?? null)
  }

  async ask(until: number, everyMs: number): Promise<void> {
    const { count } = this.#bank
    while (count.events < until) {
      const again = this.#random.chance(0.2)
      const number = again ? Math.max(0, count.asked - 1 - this.#random.below(4)) : count.asked++
      this.#keep(this.#askOne(number))
      await sleep(everyMs)
    }
  }

  async lookForSent(until: number): Promise<void> {
    const { decisions } = this.#bank.logs
    while (this.#bank.count.events < until) {
      const partition = this.#random.below(partitions)
      const { start, end } = await decisions.bounds(partition)
      const from = Math.max(start, end - 5)
      const [record] = from < end ? await decisions.read(partition, from, { maxRecords: 1, maxBytes: 1 }) : []
      const id = record?.headers?.['id']
      this.#sent = record === undefined || id === undefined ? null : { id, customerId: record.key }
      await sleep(lookForSentMs)
    }
  }

  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }

  /** What is under way; a failure of it fails the load. */
  #keep(work: Promise<void>): void {
    this.#open.add(work)
    void work.then(() => this.#open.delete(work))
  }

  #produceOne(event: Event): void {
    const partition = partitionOf(event.customerId, partitions)
    const times = this.#random.chance(0.04) ? 2 : 1
    for (let i = 0; i < times; i++) this.#keep(this.#append(partition, event))
  }

  async #append(partition: number, event: Event): Promise<void> {
    const { firstOffset } = await this.#bank.logs.events.append(partition, [this.#sign(recordOf(event))])
    if (event.type !== 'life_event.reported') return
    // Its sender waits at some node until the event is committed.
    const { nodes, acknowledged } = this.#bank
    const node = nodes[this.#random.below(Math.max(1, nodes.length))]
    const status = await node?.applied({ partition, offset: firstOffset, withinMs: applyWithinMs })
    if (status === 'accepted') acknowledged.push({ event, at: Date.now() })
  }

  async #askOne(number: number): Promise<void> {
    const { nodes, answers } = this.#bank
    const node = nodes[this.#random.below(Math.max(1, nodes.length))]
    const askedAt = Date.now()
    const call = {
      customerId: `C${(number * 7) % customers}`,
      requestId: `q${number}`,
      placement: 'inbox',
      withinMs: askWithinMs,
    }
    const given = (await node?.decide(call)) ?? null
    if (given === null) this.#bank.count.unanswered++
    else answers.push({ ...given, askedAt })
  }
}
