import { join } from 'node:path'
import type { DeadLetters } from '../dead-letters.ts'
import { type DeadLetterOptions, openDeadLetters } from '../lmdb-dead-letters.ts'
import type { Log } from '../log.ts'
import { DeadLetterFollower } from './dead-letter-follower.ts'
import { encodeNews } from './dead-letter-record.ts'

/** Longest id, as in the store. */
const ID_MAX = 128

/**
 * Dead letters that all nodes share: a topic carries them, and every node follows it into a store of its own, so each of them
 * lists all and none is lost with a node. A
 * removed letter goes from every node's store, and from the topic with its retention. `put` resolves when the brokers have it; looking waits a moment until what this
 * node has put is there. The bounds in `options` and the numbers of `counts` are those of this node's store.
 *
 * To be closed before the topic.
 */
export async function openKafkaDeadLetters(topic: Log, options: DeadLetterOptions): Promise<DeadLetters> {
  const local = openDeadLetters(options)
  const follower = await DeadLetterFollower.start(topic, local, join(options.dir, 'followed.json'))
  return {
    async put(letter) {
      if (letter.id.length < 1 || letter.id.length > ID_MAX) throw new RangeError('id of a dead letter')
      // What is known here came from the topic, so everybody has it.
      if ((await local.get(letter.id)) !== null) return
      await follower.send(encodeNews({ kind: 'letter', letter }))
    },
    async list(query) {
      await follower.own()
      return local.list(query)
    },
    async get(id) {
      await follower.own()
      return local.get(id)
    },
    async markRedriven(id, at) {
      await follower.own()
      if ((await local.get(id)) === null) return false
      await follower.send(encodeNews({ kind: 'redriven', id, at }))
      return true
    },
    async remove(ids) {
      await follower.own()
      let removed = 0
      for (const id of ids) {
        if ((await local.get(id)) === null) continue
        await follower.send(encodeNews({ kind: 'removed', id }))
        removed++
      }
      await follower.own()
      return removed
    },
    async counts() {
      await follower.own()
      return local.counts()
    },
    async close() {
      await follower.stop()
      await local.close()
    },
  }
}
