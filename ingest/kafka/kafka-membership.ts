import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../bounded-wait.ts'
import { LogError } from '../log.ts'
import type { Member, Membership } from '../membership.ts'
import type { KafkaAdmin } from './kafka-admin.ts'
import type { KafkaConsumer } from './kafka-consumer.ts'
import { closedError } from './kafka-reader.ts'
import { type MemberSaid, readAssigned, readSaid } from './partition-assigner.ts'

export type KafkaMembershipOptions = {
  readonly admin: KafkaAdmin
  readonly groupId: string
  readonly topic: string
  /** Stable name of this node. Of two processes with one name the one that started last has all partitions of the node. */
  readonly node: string
  /** Where this node can be asked, `host:port`; empty: nowhere. */
  readonly addr: () => string
  readonly now: () => number
  readonly sessionTimeoutMs: number
  /** How long joining may take before `join` gives up. */
  readonly joinTimeoutMs: number
}

const COMMIT_EVERY_MS = 2_000
/** A group that settles says who is in it at the end: half a minute, on a busy machine, is long enough for that. */
const LOOKS = 100
const LOOK_AGAIN_MS = 300

type Waiter = { readonly resolve: () => void; readonly reject: (error: LogError) => void }

/** The membership port on a consumer group. What the group does comes in by `assign`, `heard`, `lost` and `failed`. */
export class KafkaMembership implements Membership {
  /** The session begins with the last heartbeat, of which there are ten a session. */
  readonly keepsForMs: number
  readonly #options: KafkaMembershipOptions
  #consumer: KafkaConsumer | null = null
  #assigned: ((partitions: readonly number[]) => void) | null = null
  #joining: Waiter | null = null
  #waiters: Waiter[] = []
  #since = 0
  #held: readonly number[] = []
  #failure: LogError | null = null
  #members: readonly Member[] = []
  /** Positions that are not stored in the group yet. */
  #next = new Map<number, number>()
  #timer: NodeJS.Timeout | null = null
  #joins = 0
  #left = false

  constructor(options: KafkaMembershipOptions) {
    this.#options = options
    this.keepsForMs = Math.floor(options.sessionTimeoutMs / 2)
  }

  /** Names the consumer that is the member. */
  attach(consumer: KafkaConsumer): void {
    this.#consumer = consumer
  }

  /** What this member says of itself when it joins. */
  said(): MemberSaid {
    const { node, addr } = this.#options
    return { node, addr: addr(), since: this.#since, held: [...this.#held] }
  }

  /** A consumer is about to join. It is later than the one before, which the group may not have missed yet. */
  starting(): void {
    this.#since = Math.max(this.#options.now(), this.#since + 1)
  }

  async join(assigned: (partitions: readonly number[]) => void): Promise<void> {
    if (this.#left) throw closedError()
    this.#assigned = assigned
    const joined = new Promise<void>((resolve, reject) => {
      this.#joining = { resolve, reject }
    })
    this.#consumer?.start()
    this.#timer = setInterval(() => void this.#storePositions(), COMMIT_EVERY_MS)
    try {
      await within(this.#options.joinTimeoutMs, `group ${this.#options.groupId} cannot be joined`, joined)
    } catch (error) {
      await this.leave()
      // Why the last attempt failed says more than that the time is over.
      throw this.#failure ?? error
    }
  }

  confirmed(): Promise<void> {
    if (this.#left) return Promise.reject(closedError())
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  members(): readonly Member[] {
    return this.#members
  }

  committed(partition: number, next: number): void {
    this.#next.set(partition, next)
  }

  async leave(): Promise<void> {
    if (this.#left) return
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.#storePositions()
    this.#left = true
    this.#reject(closedError())
    await this.#consumer?.stop()
  }

  /** The group has settled what this process has. */
  assign(partitions: readonly number[]): void {
    this.#held = partitions
    for (const partition of this.#next.keys()) if (!partitions.includes(partition)) this.#next.delete(partition)
    this.#assigned?.(partitions)
    this.#joining?.resolve()
    this.#joining = null
    void this.#lookAtMembers(++this.#joins)
  }

  /** The group has answered a heartbeat. */
  heard(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const one of waiters) one.resolve()
  }

  /** The group was silent for so long that others may have everything. */
  lost(): void {
    if (this.#joining !== null) return
    this.#held = []
    this.#assigned?.([])
    this.#reject(new LogError('log_unavailable', 'the group does not answer', { retryable: true }))
  }

  /** The consumer ended and starts again; before the first assignment what cannot be repeated ends `join`. */
  failed(error: LogError): void {
    this.#failure = error
    if (error.retryable) return
    this.#joining?.reject(error)
    this.#joining = null
  }

  #reject(error: LogError): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const one of waiters) one.reject(error)
  }

  async #storePositions(): Promise<void> {
    const next = this.#next
    if (next.size === 0 || this.#consumer === null) return
    this.#next = new Map()
    try {
      await this.#consumer.commit(this.#options.topic, next)
    } catch {
      // For lag tools only: later ones go with the next round, and these too unless they are older.
      for (const [partition, offset] of next) if (!this.#next.has(partition)) this.#next.set(partition, offset)
    }
  }

  /** Everybody of the group as it is now, once it has settled: before that the broker does not say who they are, and the former ones stay. */
  async #lookAtMembers(join: number): Promise<void> {
    const { admin, groupId, topic } = this.#options
    for (let look = 0; look < LOOKS && !this.#left && join === this.#joins; look++) {
      try {
        const group = await describe(admin, groupId)
        if (group?.state === 'Stable') {
          if (join === this.#joins) this.#members = listed(group.members, topic)
          return
        }
      } catch {
        // The next look may be answered.
      }
      await sleep(LOOK_AGAIN_MS)
    }
  }
}

/** While a group settles the broker says how many members it has, and not who they are. */
const settling: readonly string[] = ['PreparingRebalance', 'CompletingRebalance']
/** A group that does not settle within three seconds waits for a member that is gone. */
const looksMax = 12
const lookAgainMs = 250

/**
 * Everybody in a group now. Waits for at most three seconds while it settles.
 * @throws LogError
 */
export async function membersOf(admin: KafkaAdmin, groupId: string, topic: string): Promise<readonly Member[]> {
  for (let look = 1; ; look++) {
    const group = await describe(admin, groupId)
    if (group === undefined || !settling.includes(group.state) || look === looksMax)
      return listed(group?.members ?? [], topic)
    await sleep(lookAgainMs)
  }
}

async function describe(admin: KafkaAdmin, groupId: string) {
  const { groups } = await admin.ask('the members cannot be read', (asked) => asked.describeGroups([groupId]))
  return groups[0]
}

function listed(
  described: readonly { readonly memberMetadata: Buffer; readonly memberAssignment: Buffer }[],
  topic: string,
): readonly Member[] {
  const members: Member[] = []
  for (const { memberMetadata, memberAssignment } of described) {
    const said = readSaid(memberMetadata)
    if (said === null) continue
    const partitions = [...readAssigned(memberAssignment, topic)].sort((a, b) => a - b)
    members.push({ node: said.node, addr: said.addr, partitions })
  }
  return members.sort((a, b) => (a.node < b.node ? -1 : 1))
}
