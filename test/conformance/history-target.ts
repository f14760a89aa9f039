import { afterEach, beforeEach } from 'vitest'
import type { HistoryOptions } from '../../sinks/history/start-history.ts'
import { createWorld, type World } from '../sinks/history/history-world.ts'

/** Starts what has to run beside a history whose data directory is `dir`, and says how to reach it. */
export type HistoryTarget = (
  dir: string,
) => Promise<{ readonly options: Partial<HistoryOptions>; readonly dispose: () => Promise<void> }>

/** For the suite in which it is called: logs of its own for each test, with what the target runs beside them. To be asked inside of tests. */
export function worldOfEachTest(target: HistoryTarget): {
  readonly world: World
  /** How to reach what runs beside it. */
  readonly options: Partial<HistoryOptions>
} {
  let world: World
  let beside: Awaited<ReturnType<HistoryTarget>>
  beforeEach(async () => {
    world = await createWorld()
    beside = await target(world.dir)
  })
  afterEach(async () => {
    await world.dispose()
    await beside.dispose()
  })
  return {
    get world() {
      return world
    },
    get options() {
      return beside.options
    },
  }
}
