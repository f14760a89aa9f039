import { drop, type FunnelRun } from './run.ts'

/**
 * Drops investment products whose risk grade is above what the customer's grade allows. An unknown customer's grade
 * allows what the pack says for unknown, which is its lowest.
 */
export function filterSuitable(run: FunnelRun): void {
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const grade = candidate.offer.model.riskGrade
    if (grade === null) continue
    if (Number.isNaN(run.gradeAllowed)) run.gradeAllowed = run.pack.gradeAllowed(run.lo, run.hi)
    if (grade > run.gradeAllowed) drop(candidate, 'suitability', 'unsuitable_risk_grade', null)
  }
}
