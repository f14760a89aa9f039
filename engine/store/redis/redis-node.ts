import { type SlotRange, slotRanges } from './cluster-slots.ts'
import { type RedisCommand, RedisConnection } from './redis-connection.ts'
import { suspicionOf, translated } from './redis-errors.ts'
import { addressOf, type RedisTarget } from './redis-target.ts'
import { type ScriptCall, WriteLanes } from './write-lanes.ts'

export type NodeRules = {
  /** Replicas that must have a write. */
  readonly replicas: number
  /** Told when an answer, or none, says that this may not be the server to ask any more. */
  readonly onSuspicion: (node: RedisNode, suspicion: 'silent' | 'elsewhere') => void
}

/** Measured with replicas a millisecond away: one adds a quarter to the time of a commit, more than three change nothing. */
const lanesWithWait = 3

/** One server that takes writes: connections for them and one for reads, which so never queue behind a WAIT. */
export class RedisNode {
  readonly address: string
  readonly #host: string
  readonly #reader: RedisConnection
  readonly #connections: readonly RedisConnection[]
  readonly #lanes: WriteLanes
  readonly #rules: NodeRules

  constructor(target: RedisTarget, rules: NodeRules) {
    this.address = addressOf(target)
    this.#host = target.host
    this.#rules = rules
    this.#reader = new RedisConnection(target)
    const lanes = Array.from({ length: rules.replicas > 0 ? lanesWithWait : 1 }, () => new RedisConnection(target))
    this.#connections = [this.#reader, ...lanes]
    this.#lanes = new WriteLanes(lanes, {
      replicas: rules.replicas,
      waitMs: Math.ceil(target.timeoutMs / 2),
      onFailure: (error) => this.#suspect(error),
    })
  }

  /**
   * Connects.
   * @throws StoreError `store_unavailable`
   */
  async open(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.open()))
  }

  /** Begins to connect; calls fail until it is. */
  start(): void {
    for (const connection of this.#connections) connection.start()
  }

  /**
   * Sends reading commands in one write; their replies, with texts as bytes.
   * @throws StoreError when one of them fails
   */
  async read(commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const replies = await this.#reader.run(commands)
    return replies.map(({ error, value }) => {
      if (error === null) return value
      this.#suspect(error)
      throw translated(error)
    })
  }

  /** The map of slots as this node of a cluster knows it; null when it does not answer. */
  async slotRanges(): Promise<SlotRange[] | null> {
    const [reply] = await this.#reader.run([['CLUSTER', 'SLOTS']])
    return reply === undefined || reply.error !== null ? null : slotRanges(reply.value, this.#host)
  }

  /**
   * Runs a script, and waits for the replicas when it wrote; its reply, with texts as bytes.
   * @throws StoreError retryable: whether it was carried out is not known
   */
  async write(call: ScriptCall): Promise<unknown> {
    try {
      return await this.#lanes.run(call)
    } catch (error) {
      throw translated(error)
    }
  }

  /** Leaves the server for whoever answers at its address now. */
  reconnect(): void {
    for (const connection of this.#connections) connection.reconnect()
  }

  /** Leaves the server that is read from for whoever answers at its address now. */
  reconnectReader(): void {
    this.#reader.reconnect()
  }

  /** Ends all connections for good. */
  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  #suspect(error: unknown): void {
    const suspicion = suspicionOf(error)
    if (suspicion !== 'none') this.#rules.onSuspicion(this, suspicion)
  }
}
