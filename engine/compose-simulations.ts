import type { LoadedLearned } from '../rules/learned-table.ts'
import type { LoadedPack } from '../rules/model.ts'
import type { SchemaPlace } from '../sinks/codecs.ts'
import type { History } from '../sinks/history/start-history.ts'
import type { Config } from './config.ts'
import { ShadowRunner } from './shadow/shadow-runner.ts'
import type { StartStack } from './start-stack.ts'
import type { Cluster } from './store/store.ts'
import { WhatIfJobs } from './whatif/what-if-jobs.ts'
import { openWorkshop, type Workshop } from './workshop/workshop.ts'

export type SimulationParts = {
  readonly config: Pick<Config, 'DATA_DIR' | 'WHATIF_MB'>
  readonly schemas: SchemaPlace
  readonly history: History | null
  readonly cluster: Cluster
  /** The pack in force and the learned propensities in force. */
  readonly inForce: () => { readonly pack: LoadedPack; readonly learned: LoadedLearned | null }
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  readonly now: () => number
  readonly stack: StartStack
}

/** What works beside the shards on this node: the workshop for packs, what-ifs and a shadow, none of which runs yet. */
export function openSimulations(parts: SimulationParts): {
  readonly whatIfs: WhatIfJobs
  readonly shadow: ShadowRunner
  readonly workshop: Workshop
} {
  const { config, schemas, history, cluster, now } = parts
  const shadow = new ShadowRunner({
    dataDir: config.DATA_DIR,
    now,
    history: () => history?.status() ?? null,
    base: () => {
      const address = history?.address() ?? null
      if (address === null) return null
      const { pack: current, learned } = parts.inForce()
      const { salt, completeSince, partitions } = cluster
      const bankBytes = config.WHATIF_MB * 2 ** 20
      const past = { address, schemas, partitions }
      return { past, current, learned, salt, completeSince, bankBytes }
    },
    candidateOf: async (version) => {
      const pack = await parts.packOf(version)
      return pack === null ? null : { kind: 'loaded', pack }
    },
  })
  const whatIfs = new WhatIfJobs(now)
  parts.stack.push('what-if', () => void whatIfs.stop())
  parts.stack.push('shadow', () => shadow.close())
  const workshop = openWorkshop(now)
  parts.stack.push('workshop', () => workshop.stop())
  return { whatIfs, shadow, workshop }
}
