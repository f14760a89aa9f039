/** Resources and what offers take of them: everything named exists, is used, and can be there at all. */
import { formatDuration } from '../quantities.ts'
import { type Checking, oneOf, type Spot } from './checking.ts'
import { standingMsMax } from './definitions.ts'

/** Longest a lease runs: what is kept for a customer is kept from all others. */
const leaseMsMax = 90 * 86_400_000

export function checkStock(checking: Checking): void {
  checkResources(checking)
  checkTakes(checking)
}

function checkResources({ model, refuse, warn }: Checking): void {
  const used = new Set(model.offers.flatMap(({ takes }) => takes.map(({ resource }) => resource)))
  for (const [i, { id, graceMs, units }] of model.resources.entries()) {
    const spot = (key: string): Spot => ({ file: 'offers.yaml', path: ['resources', i, key], rule: id })
    if (graceMs < 1_000) {
      const message = 'An acceptance takes time to arrive, and until then its units must not be sold again.'
      refuse('value_invalid', spot('grace'), `${message} Write at least 1s.`)
    }
    if (!used.has(id)) warn('reference_dead', spot('id'), 'No offer takes of the resource. Use it or drop it.')
    if (units > 0) continue
    const message =
      'There is nothing of the resource, so no offer that takes of it is ever made. Write how many units there are.'
    warn('resource_empty', spot('units'), message)
  }
}

function checkTakes({ model, refuse }: Checking): void {
  const resources = new Map(model.resources.map((resource) => [resource.id, resource]))
  const fallbacks = new Set(model.placements.map(({ fallback }) => fallback))
  for (const [i, offer] of model.offers.entries()) {
    const spot = (...path: (string | number)[]): Spot => ({
      file: 'offers.yaml',
      path: ['offers', i, ...path],
      rule: offer.id,
    })
    const seen = new Set<string>()
    for (const [j, { resource: id, amount }] of offer.takes.entries()) {
      const resource = resources.get(id)
      if (resource === undefined) {
        const message = `There is no resource "${id}". Define it under "resources" or use one of: ${oneOf([...resources.keys()])}.`
        refuse('resource_unknown', spot('takes', j, 'resource'), message)
      } else if (amount > resource.units && resource.units > 0) {
        const message = `The offer takes ${amount} of "${id}", which has ${resource.units}: it is never made. Correct one of them.`
        refuse('rule_misfit', spot('takes', j, 'amount'), message)
      } else if (offer.validForMs + resource.graceMs > leaseMsMax) {
        const message = `What the offer takes is kept for a customer for ${formatDuration(offer.validForMs)} and the grace, from all others.`
        refuse('duration_too_long', spot('validFor'), `${message} At most ${formatDuration(leaseMsMax)} together.`)
      }
      if (seen.has(id)) {
        refuse('id_duplicate', spot('takes', j, 'resource'), `"${id}" is named twice. Write one amount.`)
      }
      seen.add(id)
    }
    if (offer.takes.length > 0 && offer.class === 'regulatory') {
      const message = 'What the law makes the bank say does not run out. Take "takes" away, or change the class.'
      refuse('rule_misfit', spot('takes'), message)
    }
    if (offer.takes.length > 0 && fallbacks.has(offer.id)) {
      const message =
        'The offer is a fallback, and a fallback is always there. Take "takes" away, or use another fallback.'
      refuse('fallback_blocked', spot('takes'), message)
    }
    if (offer.oncePerMs === null) continue
    if (offer.takes.length === 0) {
      const message = '"oncePer" is for offers that take of a resource: others are limited by "eligible" and by caps.'
      refuse('value_unexpected', spot('oncePer'), message)
    } else if (offer.oncePerMs > standingMsMax) {
      const message = `${formatDuration(offer.oncePerMs)} is longer than anything is kept: at most ${formatDuration(standingMsMax)}.`
      refuse('duration_too_long', spot('oncePer'), message)
    }
  }
}
