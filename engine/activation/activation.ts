/** The port to activation: putting another pack in force while the engine runs, on every shard of every node. */
import type { TakeUpTrouble } from './take-up-watch.ts'

/** Which pack a shard runs. */
export type ShardPack = {
  /** Name of the node. */
  readonly node: string
  /** Number of the shard on its node, from 0. */
  readonly shard: number
  readonly packHash: string
  /** Number of the activation that put it in force there. */
  readonly activation: number
  /** Since when the shard runs it, Unix milliseconds. */
  readonly since: number
}

/** Which pack every shard of the installation runs. */
export type PackStatus = {
  /** What the record of the installation says. */
  readonly packHash: string
  readonly activation: number
  readonly shards: readonly ShardPack[]
  /** Nodes that did not answer, by name or address. */
  readonly silent: readonly string[]
  /** Nodes that cannot take up the pack in force, and why. */
  readonly failing: readonly FailingNode[]
}

/** A node, by name, that cannot take up the pack in force. */
export type FailingNode = TakeUpTrouble & { readonly node: string }

/**
 * Why nothing was put in force. `pack_unknown`: no such version is kept. `pack_unproven`: it has no certificate of this checker.
 * `activation_in_progress`: another one is under way. `not_confirmed`: a shard did not say in time that it has compiled the pack.
 * `changed_meanwhile`: others changed the installation. `resources_unavailable`: the stock of the pack could not be put down.
 */
export type ActivationRefusal =
  | 'pack_unknown'
  | 'pack_unproven'
  | 'activation_in_progress'
  | 'not_confirmed'
  | 'changed_meanwhile'
  | 'resources_unavailable'

export type ActivationResult =
  /** Every shard of every node has confirmed that it runs the pack. */
  | {
      readonly kind: 'activated'
      readonly packHash: string
      readonly activation: number
      /** The pack before: the same one when it was in force already. */
      readonly before: string
      readonly shards: readonly ShardPack[]
      readonly tookMs: number
    }
  /** The pack before stays in force everywhere. */
  | {
      readonly kind: 'refused'
      readonly code: ActivationRefusal
      /** What happened and what to do, in a sentence. */
      readonly message: string
      /** Who did not confirm, such as `node-2 shard 0`. */
      readonly missing: readonly string[]
    }
  /** The pack is in force; who is named did not confirm it yet and takes it up as soon as it can. */
  | {
      readonly kind: 'activation_incomplete'
      readonly packHash: string
      readonly activation: number
      readonly before: string
      readonly shards: readonly ShardPack[]
      readonly missing: readonly string[]
      readonly message: string
    }

export type Activator = {
  /**
   * Puts a kept version in force, also an older one. Answers when every shard has confirmed, or says who did not. Only one at a time.
   * @param isWanted asked at the last moment before there is no way back; false, or no answer: nothing is put in force. Absent: it is
   * @throws StoreError when the store fails before anything was put in force
   */
  activate(packHash: string, isWanted?: () => Promise<boolean>): Promise<ActivationResult>
  /** @throws StoreError */
  status(): Promise<PackStatus>
}
