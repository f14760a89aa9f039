/** The control log of a node: followed, begun, and told of calls that were refused. */
import type { LoadedPack } from '../rules/model.ts'
import type { LogSide } from './compose-logs.ts'
import type { Config } from './config.ts'
import { beginControl } from './control/begin-control.ts'
import { type Control, openControl } from './control/control-log.ts'
import { marksIn } from './control/control-marks.ts'
import type { NodeStart } from './control/control-state.ts'
import { createRefusedCalls } from './control/refused-calls.ts'
import type { Caller } from './control/roles.ts'
import type { Installation } from './installation.ts'
import type { Logger } from './log.ts'
import { controlSecret } from './nodes/node-key.ts'
import { codeOf } from './shard/error-place.ts'
import type { StartStack } from './start-stack.ts'
import type { Store } from './store/store.ts'

export type ControlSide = {
  readonly control: Control
  /** Keeps that a call was refused for want of a role. */
  readonly refusedCall: (caller: Caller, call: string) => void
}

export type ControlSideOptions = {
  readonly config: Config
  readonly logs: LogSide
  readonly store: Pick<Store, 'pack' | 'putPack' | 'cluster'>
  readonly installation: Installation
  /** The pack of the folder PACK; null: it holds none that is sound. */
  readonly started: LoadedPack | null
  /** This start of this node. */
  readonly self: NodeStart
  readonly now: () => number
  readonly logger: Logger
}

/** How often a node looks for what others wrote to the control log, milliseconds. */
const lookMs = 1_000

/** @throws LogError, StoreError, ControlError when the log changed at every moment */
export async function openControlSide(options: ControlSideOptions, stack: StartStack): Promise<ControlSide> {
  const { config, logs, store, installation, started, self, now, logger } = options
  const control = await openControl({
    log: logs.control,
    secret: controlSecret(installation.cluster.salt),
    now,
    marks: marksIn(store),
    lookEveryMs: config.KAFKA_BROKERS === undefined ? null : lookMs,
    onBroken: (broken) =>
      logger.error(broken, 'the control log is broken: nothing is changed any more, decisions go on'),
  })
  stack.push('control log', () => control.close())
  if (control.broken === null)
    await beginControl({
      control,
      store,
      inForce: installation.pack.loaded,
      started,
      folder: config.PACK,
      ...{ self, now },
      others: (await logs.others()).map(({ node }) => node),
    })
  const refusedCall = createRefusedCalls(control, now, (cause) =>
    logger.error({ code: codeOf(cause) }, 'a refused call is not in the audit'),
  )
  return { control, refusedCall }
}
