import { openLogs } from './open-logs.ts'

/** A node of the group in a process of its own; writes a line each time it is given partitions. */
const [, , address = '', prefix = '', node = '', partitions = ''] = process.argv
const logs = await openLogs({ brokers: [address] }, { prefix, node, partitions: Number(partitions) })
await logs.membership.join((given) => process.stdout.write(`${given.join(' ')}\n`))
