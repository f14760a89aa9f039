import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { compileInSlices } from '../rules/compile-pack.ts'
import type { CompiledPack } from '../rules/compiled.ts'
import type { LoadedPack } from '../rules/model.ts'
import { inSlices, rests } from '../rules/spread-slices.ts'

/** Compiles a pack beside everything else that its thread does. @param sliceMs most milliseconds without a pause */
export async function compileBeside(loaded: LoadedPack, sliceMs: number): Promise<CompiledPack> {
  await setImmediate()
  const compiled = await inSlices(compileInSlices(loaded), {
    sliceMs,
    elapsed: () => performance.now(),
    pause: rests(),
    isOver: () => false,
  })
  if (compiled === null) throw new Error('it was not given up')
  return compiled
}
