import type { PeerReply } from '../shard/peers.ts'
import type { NodePrepared, NodeRuns, Preparing } from './node-packs.ts'

/** What nodes ask each other to put a pack in force. Each call is one message, given up after `withinMs`. */
export type ActivationPeers = {
  prepare(addr: string, preparing: Preparing, withinMs: number): Promise<PeerReply<NodePrepared>>
  forget(addr: string, activation: number, withinMs: number): Promise<PeerReply<null>>
  /** Goes over to what the installation's record says, which the node reads itself. */
  takeUp(addr: string, withinMs: number): Promise<PeerReply<NodeRuns>>
  runs(addr: string, withinMs: number): Promise<PeerReply<NodeRuns>>
}
