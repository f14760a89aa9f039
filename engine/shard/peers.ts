import type { Permit } from '../step/permit.ts'
import type {
  Applied,
  CustomerCopy,
  CustomerView,
  DecisionAnswer,
  DecisionRequest,
  PartitionStatus,
  PermitRequest,
  Position,
} from './shards.ts'

/** What another node answers. */
export type PeerReply<Value> =
  | { readonly kind: 'answer'; readonly value: Value }
  /** It does not have the partition. */
  | { readonly kind: 'not_owner' }
  /** It did not answer, or not in time. */
  | { readonly kind: 'unreachable' }
  /** It cannot answer now, for a reason of its own. */
  | { readonly kind: 'refused'; readonly code: 'partition_closed' | 'partition_busy'; readonly message: string }

/** The port to other nodes. Each call is one message to one node, given up after `withinMs`; nothing is passed on by it. */
export type Peers = {
  decide(addr: string, request: DecisionRequest, withinMs: number): Promise<PeerReply<DecisionAnswer>>
  applied(addr: string, position: Position, withinMs: number): Promise<PeerReply<Applied | null>>
  customer(addr: string, customerId: string, withinMs: number): Promise<PeerReply<CustomerView>>
  copy(addr: string, customerId: string, withinMs: number): Promise<PeerReply<CustomerCopy>>
  permit(addr: string, request: PermitRequest, withinMs: number): Promise<PeerReply<Permit>>
  partitions(addr: string, withinMs: number): Promise<PeerReply<readonly PartitionStatus[]>>
  reopen(
    addr: string,
    partition: number,
    lost: 'skip_lost' | 'keep_closed',
    withinMs: number,
  ): Promise<PeerReply<PartitionStatus>>
}
