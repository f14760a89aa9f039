/** Entry of the measuring process of the latency benchmark. */
import { latencyResult } from './latency-result.ts'
import { type LatencyOptions, measureLatency } from './measure.ts'

const options: LatencyOptions = JSON.parse(process.argv[2] ?? '')
const result = latencyResult(await measureLatency(options))
process.send?.(result, () => process.disconnect())
