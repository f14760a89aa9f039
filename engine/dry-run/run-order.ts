/** A dry run as it is ordered: the pack may still be files. */
import { loadPackFiles } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'
import { createDryRunner, type DryRunResult, type DryRunTask } from './dry-run.ts'

export type DryRunOrder = Omit<DryRunTask, 'pack'> & {
  readonly pack:
    | { readonly kind: 'files'; readonly files: PackFiles }
    | { readonly kind: 'loaded'; readonly pack: LoadedPack; readonly isInForce: boolean }
}

export type DryRunAnswer =
  | DryRunResult
  /** The files are no sound pack. */
  | { readonly kind: 'pack_refused'; readonly problems: readonly PackProblem[] }

/** Makes the function that carries orders out, to be kept: it remembers the packs it compiled. */
export function createOrderRunner(): (order: DryRunOrder) => DryRunAnswer {
  const run = createDryRunner()
  return ({ pack: ordered, ...rest }) => {
    if (ordered.kind === 'loaded') return run({ ...rest, pack: ordered.pack })
    const loaded = loadPackFiles(ordered.files)
    if (loaded.kind === 'refused') return { kind: 'pack_refused', problems: loaded.problems }
    return run({ ...rest, pack: loaded.pack })
  }
}
