/**
 * The worker thread of a shard: Piscina calls these functions by name. The shard is made from `workerData` when the thread
 * starts; a thread that replaces a dead one therefore begins with nothing acquired.
 */
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import { packAnswers } from './answer-frame.ts'
import { openShard, type ShardData } from './open-shard.ts'
import type { Past } from './series-past.ts'
import type {
  AdoptTask,
  AmendTask,
  BatchResult,
  BatchTask,
  FillResult,
  FillTask,
  PackTask,
  Prepared,
  ShardPort,
  Switched,
} from './shard-port.ts'
import type { PermitRequest } from './shards.ts'

// The one thing a worker's module may do at import: it exists for nothing else.
const data: ShardData = workerData
const shard: ShardPort = openShard(data)

/** A batch result as it crosses to the main thread. */
export type MovedResult =
  | Exclude<BatchResult, { kind: 'done' }>
  | (Omit<Extract<BatchResult, { kind: 'done' }>, 'answers'> & { readonly answers: ArrayBuffer })

/** A part of a backfill as it crosses: it lets nothing out and answers nobody. */
export type MovedFill =
  | Exclude<FillResult, { kind: 'filled' }>
  | (Omit<Extract<FillResult, { kind: 'filled' }>, 'result'> & { readonly result: MovedResult })

export function acquire(task: {
  readonly partition: number
  readonly token: string
  readonly addr: string
}): ReturnType<ShardPort['acquire']> {
  return shard.acquire(task.partition, task.token, task.addr)
}

export async function batch(task: BatchTask): Promise<unknown> {
  return moved(await shard.batch(task))
}

export async function adopt(task: AdoptTask): Promise<unknown> {
  return moved(await shard.adopt(task))
}

export async function amend(task: AmendTask): Promise<unknown> {
  return moved(await shard.amend(task))
}

export async function fill(task: FillTask): Promise<MovedFill> {
  const filled = await shard.fill(task)
  return filled.kind === 'filled' ? { ...filled, result: flattened(filled.result) } : filled
}

export function learn(past: Past): Promise<void> {
  return shard.learn(past)
}

export function prepare(task: PackTask): Promise<Prepared> {
  return shard.prepare(task)
}

export function forget(): Promise<void> {
  return shard.forget()
}

export function switchTo(task: { readonly past: Past; readonly packHash: string }): Promise<Switched> {
  return shard.switchTo(task.past, task.packHash)
}

export async function resend(task: { readonly partition: number }): Promise<unknown> {
  return moved(await shard.resend(task.partition))
}

export function outbox(task: {
  readonly partition: number
  readonly from: number
  readonly to: number
}): ReturnType<ShardPort['outbox']> {
  return shard.outbox(task.partition, task.from, task.to)
}

export function view(task: {
  readonly partition: number
  readonly customerId: string
  readonly now: number
}): ReturnType<ShardPort['view']> {
  return shard.view(task.partition, task.customerId, task.now)
}

export function copy(task: {
  readonly partition: number
  readonly customerId: string
  readonly now: number
}): ReturnType<ShardPort['copy']> {
  return shard.copy(task.partition, task.customerId, task.now)
}

export function permit(task: {
  readonly partition: number
  readonly request: PermitRequest
  readonly now: number
}): ReturnType<ShardPort['permit']> {
  return shard.permit(task.partition, task.request, task.now)
}

export function release(task: { readonly partition: number }): ReturnType<ShardPort['release']> {
  return shard.release(task.partition)
}

export function owner(task: { readonly partition: number }): ReturnType<ShardPort['owner']> {
  return shard.owner(task.partition)
}

export function storeNow(): ReturnType<ShardPort['storeNow']> {
  return shard.storeNow()
}

export function usage(): ReturnType<ShardPort['usage']> {
  return shard.usage()
}

export function close(): ReturnType<ShardPort['close']> {
  return shard.close()
}

function flattened(result: BatchResult): MovedResult {
  return result.kind === 'done' ? { ...result, answers: packAnswers(result.answers) } : result
}

/** Marks the buffers of a result to be moved instead of copied. */
function moved(result: BatchResult): unknown {
  if (result.kind !== 'done') return result
  const answers = packAnswers(result.answers)
  const value: MovedResult = { ...result, answers }
  const buffers: ArrayBuffer[] = [answers]
  if (result.outbox !== null && result.outbox.buffer instanceof ArrayBuffer) buffers.push(result.outbox.buffer)
  return move(new Moved(value, buffers))
}

/**
 * What Piscina unwraps. A class on purpose: V8 keeps the getters of an object literal, and all they refer to, with the literal's
 * hidden class until the next mark-compact, so that every result would outlive its batch.
 */
class Moved {
  readonly #value: MovedResult
  readonly #buffers: readonly ArrayBuffer[]

  constructor(value: MovedResult, buffers: readonly ArrayBuffer[]) {
    this.#value = value
    this.#buffers = buffers
  }

  get [transferableSymbol](): readonly ArrayBuffer[] {
    return this.#buffers
  }

  get [valueSymbol](): MovedResult {
    return this.#value
  }
}
