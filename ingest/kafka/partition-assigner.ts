import { Buffer } from 'node:buffer'
import { AssignerProtocol, type PartitionAssigner } from 'kafkajs'
import { z } from 'zod'
import { assignPartitions, type MemberClaim } from './assign-partitions.ts'

const { MemberMetadata, MemberAssignment } = AssignerProtocol

/** What a member tells the others, as JSON in the data that Kafka carries for it. */
const saidSchema = z.object({
  node: z.string().min(1),
  addr: z.string(),
  since: z.number(),
  held: z.array(z.number().int().min(0)),
})
export type MemberSaid = z.infer<typeof saidSchema>

/** Part of the protocol between the members: they all have to use the same. */
const NAME = 'proffer'
const VERSION = 1

/**
 * The assigner of `assignPartitions` for kafkajs.
 * @param assigned topics that are shared; whoever gets a partition gets that of each of them
 * @param said what this member says of itself, asked at each join
 */
export function createAssigner(
  assigned: readonly string[],
  partitions: number,
  said: () => MemberSaid,
): PartitionAssigner {
  return () => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => {
      const userData = Buffer.from(JSON.stringify(said()))
      return { name: NAME, metadata: MemberMetadata.encode({ version: VERSION, topics, userData }) }
    },
    async assign({ members }) {
      const claims = members.map(({ memberId, memberMetadata }) => claimOf(memberId, memberMetadata))
      const shares = assignPartitions(claims, partitions)
      return members.map(({ memberId }) => {
        const assignment = Object.fromEntries(assigned.map((topic) => [topic, [...(shares.get(memberId) ?? [])]]))
        const userData = Buffer.alloc(0)
        return { memberId, memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData }) }
      })
    },
  })
}

/** What a member has said; null when it is not one of ours. */
export function readSaid(memberMetadata: Buffer): MemberSaid | null {
  try {
    const userData = MemberMetadata.decode(memberMetadata)?.userData.toString('utf8') ?? ''
    return saidSchema.parse(JSON.parse(userData))
  } catch {
    // Somebody else's consumer in our group: it has no name and no address.
    return null
  }
}

/** The partitions of a topic in an assignment as the group keeps it. */
export function readAssigned(memberAssignment: Buffer, topic: string): readonly number[] {
  if (memberAssignment.length === 0) return []
  return MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? []
}

function claimOf(id: string, memberMetadata: Buffer): MemberClaim {
  const said = readSaid(memberMetadata)
  return said === null ? { id, node: id, since: 0, held: [] } : { id, ...said }
}
