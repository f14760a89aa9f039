/** What the pack counts and keeps without anybody reading it: allowed, but told. */
import type { Checking } from './checking.ts'

/** @param reads frame indexes that anything of the pack reads */
export function checkUnused({ model, variables, warn }: Checking, reads: ReadonlySet<number>): void {
  const read = new Set([...reads].map((index) => variables[index]?.name))
  for (const [i, { id }] of model.features.entries()) {
    if (read.has(id)) continue
    const spot = { file: 'features.yaml', path: ['features', i, 'id'], rule: id } as const
    warn('reference_dead', spot, 'No rule reads the feature: it costs state and decides nothing. Use it or drop it.')
  }
  for (const [i, { id }] of model.attributes.entries()) {
    if (read.has(`profile.${id}`) || model.suitability.attribute === id) continue
    if (model.fairness?.attributes.includes(id) === true) continue
    if (model.zones.attribute === id || model.zones.region?.attribute === id) continue
    const spot = { file: 'profile.yaml', path: ['attributes', i, 'id'], rule: id } as const
    warn('reference_dead', spot, 'No rule reads the attribute: it is kept for nothing. Use it or drop it.')
  }
}
