/** Learned propensities: the model is there, and its outcome names the decision it came of. */
import { formatDuration } from '../quantities.ts'
import { isLearned } from '../terms.ts'
import { type Checking, oneOf, type Spot } from './checking.ts'
import { lookBackMsMax } from './definitions.ts'
import { checkEvent } from './names.ts'

export function checkLearned(checking: Checking): void {
  const { model, refuse, warn } = checking
  const known = model.models.map(({ id }) => id)
  const used = new Set<string>()
  for (const [i, { id, propensity }] of model.offers.entries()) {
    if (!isLearned(propensity)) continue
    used.add(propensity.learned.model)
    if (known.includes(propensity.learned.model)) continue
    const path = ['offers', i, 'propensity', 'learned', 'model']
    const message = `There is no model "${propensity.learned.model}". Define it in arbitration.yaml or use one of: ${oneOf(known)}.`
    refuse('model_unknown', { file: 'offers.yaml', path, rule: id }, message)
  }
  for (const [i, { id, outcome, windowMs }] of model.models.entries()) {
    const spot = (key: string): Spot => ({ file: 'arbitration.yaml', path: ['models', i, key], rule: id })
    if (windowMs === 0) refuse('duration_invalid', spot('window'), 'The duration must be longer than zero.')
    if (windowMs > lookBackMsMax) {
      const message = `${formatDuration(windowMs)} is too long: at most ${formatDuration(lookBackMsMax)}.`
      refuse('duration_too_long', spot('window'), message)
    }
    if (!used.has(id)) warn('reference_dead', spot('id'), 'No offer learns from the model. Use it or take it away.')
    if (!checkEvent(checking, spot('outcome'), outcome)) continue
    if (checking.eventTypes.get(outcome)?.fields.get('decisionId')?.type === 'string') continue
    const message = `The event "${outcome}" does not name the decision it came of, so nothing can be learned from it.`
    refuse('field_unknown', spot('outcome'), `${message} Use one with a decisionId, such as offer.accepted.`)
  }
}
