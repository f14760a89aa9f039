/** Gaps, pauses, quiet hours and the zones they are read in. Caps are looked at with the ladders. */
import { formatDuration } from '../quantities.ts'
import { isAbout } from '../scope.ts'
import { isZone } from '../zones.ts'
import { type Checking, oneOf, type Spot } from './checking.ts'
import { lookBackMsMax } from './definitions.ts'
import { checkContactScope } from './names.ts'

/** Longest that what was held may be spread over. */
const spreadMsMax = 2 * 3_600_000

export function checkContactRules(checking: Checking): void {
  checkIds(checking)
  checkGaps(checking)
  checkPauses(checking)
  checkQuietHours(checking)
  checkZones(checking)
  checkNamedOffers(checking)
}

/** A rule that names offers and is about none of them stops nothing, and looks as if it did. */
function checkNamedOffers({ model, refuse }: Checking): void {
  const sending = new Set(model.channels.filter(({ contact }) => contact).map(({ id }) => id))
  const { caps, gaps, pauses, quietHours } = model
  for (const [section, rules] of Object.entries({ caps, gaps, pauses, quietHours })) {
    for (const [i, { id, applies }] of rules.entries()) {
      if (applies.offers === 'all') continue
      const isAboutSome = model.offers.some((offer) =>
        offer.channels.some((channel) => sending.has(channel) && isAbout(applies, offer, channel)),
      )
      if (isAboutSome) continue
      const spot: Spot = { file: 'contact.yaml', path: [section, i, 'applies'], rule: id }
      const message =
        'The rule is about no contact: none of the offers it names is of its categories and on a channel that counts.'
      refuse('reference_dead', spot, `${message} Correct "applies".`)
    }
  }
}

type ContactSection = 'caps' | 'gaps' | 'pauses' | 'quietHours'

const spotOf = (section: ContactSection, i: number, key: string, rule: string): Spot => ({
  file: 'contact.yaml',
  path: [section, i, key],
  rule,
})

/** Reasons name guardrails and contact rules alike, so their ids are told apart. */
function checkIds({ model, refuse }: Checking): void {
  const owners = new Map(model.guardrails.map(({ id }) => [id, 'A guardrail']))
  for (const { id } of model.caps) owners.set(id, 'A cap')
  const sections = [
    ['gaps', model.gaps, 'A gap'],
    ['pauses', model.pauses, 'A pause'],
    ['quietHours', model.quietHours, 'An entry of the quiet hours'],
  ] as const
  for (const [section, rules, what] of sections) {
    for (const [i, { id }] of rules.entries()) {
      const owner = owners.get(id)
      if (owner !== undefined) {
        refuse('id_duplicate', spotOf(section, i, 'id', id), `${owner} is called "${id}" too. Rename one of them.`)
      }
      owners.set(id, what)
    }
  }
}

function checkGaps(checking: Checking): void {
  for (const [i, gap] of checking.model.gaps.entries()) {
    const spot = (key: string): Spot => spotOf('gaps', i, key, gap.id)
    checkContactScope(checking, spot('applies'), gap.applies)
    checkContactScope(checking, spot('after'), gap.after)
    within(checking, spot('least'), gap.leastMs)
  }
}

function checkPauses(checking: Checking): void {
  for (const [i, pause] of checking.model.pauses.entries()) {
    const spot = (key: string): Spot => spotOf('pauses', i, key, pause.id)
    checkContactScope(checking, spot('applies'), pause.applies)
    within(checking, spot('within'), pause.withinMs)
    within(checking, spot('for'), pause.withinMs + pause.answerMs + pause.forMs)
  }
}

function checkQuietHours(checking: Checking): void {
  const { model, refuse } = checking
  for (const [i, hours] of model.quietHours.entries()) {
    const spot = (key: string): Spot => spotOf('quietHours', i, key, hours.id)
    checkContactScope(checking, spot('applies'), hours.applies)
    if (hours.from === hours.to) {
      refuse('value_invalid', spot('to'), 'The hours end when they begin: write two different times of day.')
    }
    if (hours.instead.kind !== 'switch') continue
    const { placement: id } = hours.instead
    const placement = model.placements.find((candidate) => candidate.id === id)
    const outbound = model.placements.filter(({ direction }) => direction === 'outbound').map((known) => known.id)
    if (placement?.direction !== 'outbound') {
      refuse('placement_unknown', spot('instead'), `"${id}" is no outbound placement. Use one of: ${oneOf(outbound)}.`)
    } else if (hours.applies.channels === 'all' || hours.applies.channels.includes(placement.channel)) {
      refuse('rule_misfit', spot('instead'), `"${id}" is on a channel that is quiet then, too. Name another one.`)
    }
  }
  if (model.releaseSpreadMs > spreadMsMax) {
    const spot: Spot = { file: 'contact.yaml', path: ['releaseSpread'], rule: 'releaseSpread' }
    refuse('duration_too_long', spot, `At most ${formatDuration(spreadMsMax)}.`)
  }
}

function checkZones(checking: Checking): void {
  const { model, refuse } = checking
  const { attribute, region } = model.zones
  const spot = (...path: string[]): Spot => ({ file: 'contact.yaml', path: ['zones', ...path], rule: 'zones' })
  const valuesOf = (id: string, at: Spot): readonly string[] | null => {
    const found = model.attributes.find((candidate) => candidate.id === id)
    if (found?.type === 'enum') return found.values
    const enums = model.attributes.filter(({ type }) => type === 'enum').map((known) => known.id)
    refuse('attribute_unknown', at, `"${id}" is no enum attribute. Use one of: ${oneOf(enums)}.`)
    return null
  }
  const zone = (text: string, at: Spot): void => {
    if (!isZone(text))
      refuse('timezone_unknown', at, `"${text}" is no time zone. Use an IANA name such as Asia/Shanghai.`)
  }
  if (attribute !== null)
    for (const value of valuesOf(attribute, spot('attribute')) ?? []) zone(value, spot('attribute'))
  if (region === null) return
  const values = valuesOf(region.attribute, spot('region', 'attribute'))
  for (const [name, text] of Object.entries(region.zones)) {
    const at = spot('region', 'zones', name)
    if (values !== null && !values.includes(name)) {
      refuse('value_unexpected', at, `The attribute is never "${name}": it is one of ${oneOf(values)}.`)
    }
    zone(text, at)
  }
}

function within({ refuse }: Checking, spot: Spot, ms: number): void {
  if (ms <= lookBackMsMax) return
  refuse('duration_too_long', spot, `Contacts are remembered for ${formatDuration(lookBackMsMax)} at most.`)
}
