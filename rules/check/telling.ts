/** What customers read may not tell them, or let them guess, what is inferred of them. */
import { sensitiveWordIn } from '../sensitive-words.ts'
import type { Checking } from './checking.ts'

export function checkTelling({ model, refuse }: Checking): void {
  for (const [i, offer] of model.offers.entries()) {
    if (offer.unavailable === undefined) continue
    for (const language of ['en', 'zh'] as const) {
      const names = [offer, ...offer.parts].map(({ title }) => title[language])
      const found = sensitiveWordIn(offer.unavailable[language], language, names)
      if (found === null) continue
      const message = `Customers read this, and "${found.word}" hints at what is inferred of them. Say it without, or leave the text out.`
      const spot = { file: 'offers.yaml', path: ['offers', i, 'unavailable', language], rule: offer.id } as const
      refuse('text_sensitive', spot, message, { offset: found.at, counterexample: found.word })
    }
  }
}
