/** What is learned: the model is there, and outcomes name the decision they came of. */
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
    checkSpan(checking, spot('window'), windowMs)
    if (!used.has(id)) warn('reference_dead', spot('id'), 'No offer learns from the model. Use it or take it away.')
    checkOutcome(checking, spot('outcome'), outcome)
  }
  checkFatigue(checking)
}

/** A channel gets tired of messages: of one that is none, nothing is counted. */
function checkFatigue(checking: Checking): void {
  const { model, refuse } = checking
  const contacts = model.channels.filter(({ contact }) => contact).map(({ id }) => id)
  for (const [i, { id, channel, opened, withinMs, recentMs, baselineMs }] of model.fatigue.entries()) {
    const spot = (key: string): Spot => ({ file: 'arbitration.yaml', path: ['fatigue', i, key], rule: id })
    if (!contacts.includes(channel)) {
      const message = `"${channel}" is no channel that counts as a contact. Use one of: ${oneOf(contacts)}.`
      refuse('channel_unknown', spot('channel'), message)
    }
    checkSpan(checking, spot('within'), withinMs)
    checkSpan(checking, spot('recent'), recentMs)
    checkSpan(checking, spot('baseline'), baselineMs)
    checkOutcome(checking, spot('opened'), opened)
  }
}

function checkSpan({ refuse }: Checking, spot: Spot, ms: number): void {
  if (ms === 0) refuse('duration_invalid', spot, 'The duration must be longer than zero.')
  if (ms <= lookBackMsMax) return
  refuse('duration_too_long', spot, `${formatDuration(ms)} is too long: at most ${formatDuration(lookBackMsMax)}.`)
}

/** An event that says what became of a decision has to name it. */
function checkOutcome(checking: Checking, spot: Spot, event: string): void {
  if (!checkEvent(checking, spot, event)) return
  if (checking.eventTypes.get(event)?.fields.get('decisionId')?.type === 'string') return
  const message = `The event "${event}" does not name the decision it came of, so nothing can be learned from it.`
  checking.refuse('field_unknown', spot, `${message} Use one with a decisionId, such as offer.accepted.`)
}
