/** Preloaded (`--import`) into a measuring process and so into each of its threads: tells of every collection by broadcast. */
import { threadId } from 'node:worker_threads'
import { type Collection, onCollection } from './gc-watch.ts'

/** Name of the channel. */
export const gcChannel = 'proffer-bench-gc'

/** A collection and the thread it stopped; 0 is the main thread. */
export type ThreadCollection = Collection & { readonly thread: number }

const channel = new BroadcastChannel(gcChannel)
channel.unref()
onCollection((collection) => channel.postMessage({ ...collection, thread: threadId } satisfies ThreadCollection))
