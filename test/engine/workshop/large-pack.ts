/** The sample pack with more of the same: copies of offers that triggers propose, and triggers that propose them. */
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import type { PackFiles } from '../../../rules/pack-texts.ts'

const offersYaml = z.looseObject({ offers: z.array(z.looseObject({ id: z.string() })) })
const triggersYaml = z.looseObject({
  triggers: z.array(z.looseObject({ id: z.string(), offers: z.array(z.string()) })),
})

/** @param rules about so many rules more than the sample has, a third of them offers */
export function largePack(files: PackFiles, rules: number): PackFiles {
  const offers = offersYaml.parse(parse(files['offers.yaml'] ?? ''))
  const triggers = triggersYaml.parse(parse(files['triggers.yaml'] ?? ''))
  const triggered = new Set(triggers.triggers.flatMap((trigger) => trigger.offers))
  const copied = offers.offers.filter(({ id }) => triggered.has(id))
  const copies = Math.floor(rules / 3 / copied.length)
  const numbers = Array.from({ length: copies }, (_, n) => n)
  const renamed = numbers.flatMap((n) => copied.map((offer) => ({ ...offer, id: `${offer.id}-${n}` })))
  // Each proposes another pair of copies, so that none makes another one useless.
  const pairs = numbers.flatMap((a) => numbers.filter((b) => b > a).map((b) => [a, b]))
  const rounds = pairs.slice(0, Math.ceil((rules - renamed.length) / triggers.triggers.length))
  const told = rounds.flatMap((pair) =>
    triggers.triggers.map((trigger) => ({
      ...trigger,
      id: `${trigger.id}-${pair.join('-')}`,
      offers: trigger.offers.flatMap((offer) => pair.map((n) => `${offer}-${n}`)),
    })),
  )
  const plain = { aliasDuplicateObjects: false } as const
  return {
    ...files,
    'offers.yaml': stringify({ ...offers, offers: [...offers.offers, ...renamed] }, plain),
    'triggers.yaml': stringify({ ...triggers, triggers: [...triggers.triggers, ...told] }, plain),
  }
}
