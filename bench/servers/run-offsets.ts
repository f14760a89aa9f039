import { partitionOf } from '../../ingest/partition.ts'
import { createStream, type StreamOptions, streamCustomerId } from '../workload/stream.ts'
import { partitions } from './servers.ts'

/** Where events of a stream stand in their topic, by their place in the stream. */
export type RunOffsets = { readonly partition: Uint8Array; readonly offset: Float64Array }

/**
 * Where the first events of a stream come to stand.
 * @param appended next offset of each partition before they are sent; it moves behind them
 */
export function offsetsOfRun(options: StreamOptions, events: number, appended: Float64Array): RunOffsets {
  const stream = createStream(options)
  const at = { partition: new Uint8Array(events), offset: new Float64Array(events) }
  for (let i = 0; i < events; i++) {
    stream.next()
    const partition = partitionOf(streamCustomerId(stream.customer), partitions)
    const offset = appended[partition] ?? 0
    appended[partition] = offset + 1
    at.partition[i] = partition
    at.offset[i] = offset
  }
  return at
}
