/** Stories of senders that misbehave: the same thing twice, a wrong clock, bytes that are no event. */
import { introduces, reads, type Story, tellStory } from './story.ts'

/** Stories in which the engine has to see through its input. */
export function senderStories(dayStartMs: number): readonly Story[] {
  return [duplicates(dayStartMs), wrongClock(dayStartMs), broken(dayStartMs)]
}

const known = { employmentStatus: 'employed', studentStatus: false, riskGrade: 'steady', totalAssets: 3_000_000 }

function duplicates(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'duplicate-sender',
      title: 'A gateway sends everything three times',
      watch: 'One repayment of 6,000.00 by Dan and one look of Dan at exchange rates, each sent three times.',
      outcome: 'One thank-you, and no currency wallet: one look is one look.',
      expects: [
        { kind: 'offered', customerId: 'C-dan', placement: 'sms_message', offer: 'repayment_thanks', times: 1 },
        { kind: 'never', customerId: 'C-dan', offer: 'fx_wallet' },
      ],
    },
    {
      'C-dan': (teller) => {
        introduces(teller, known, ['push'])
        const data = { amount: 600_000, currency: 'CNY', product: 'consumer_loan' }
        const repayment = teller.fact({ daysBefore: 0, at: '13:20' }, 'core-banking', 'repayment.made', data)
        teller.again(repayment, '13:20:02')
        teller.again(repayment, '17:45')
        const look = reads(teller, { daysBefore: 0, at: '19:00' }, 'fx', 'fx/rates', 12)
        teller.again(look, '19:00:01')
        teller.again(look, '19:00:05')
      },
    },
  )
}

function wrongClock(dayStartMs: number): Story {
  const page = { page: 'fx/rates', pageGroup: 'fx', dwellMs: 15_000 }
  return tellStory(
    dayStartMs,
    {
      id: 'wrong-clock',
      title: "Eva's phone lives nine hours ahead, Finn's five days behind",
      watch:
        'Eva looks at exchange rates three times; her phone says the evening. Finn looks once; his phone says last week.',
      outcome:
        "Eva's looks count when they arrive, so the third brings the wallet. Finn's look is set aside as too late.",
      expects: [
        { kind: 'offered', customerId: 'C-eva', placement: 'push_message', offer: 'fx_wallet', times: 1 },
        { kind: 'dead_letter', eventId: 'C-finn-1', reason: 'too_late' },
      ],
    },
    {
      'C-eva': (teller) => {
        introduces(teller, known, ['push'])
        for (const minute of ['10', '25', '40']) {
          const claimed = { daysBefore: 0, at: `23:${minute}` }
          teller.misdated(`14:${minute}`, claimed, 'mobile-app', 'page.viewed', page)
        }
      },
      'C-finn': (teller) => {
        teller.misdated('14:50', { daysBefore: 5, at: '14:50' }, 'mobile-app', 'page.viewed', page)
      },
    },
  )
}

function broken(dayStartMs: number): Story {
  const cloudEvent = (change: Readonly<Record<string, unknown>>): string =>
    JSON.stringify({
      specversion: '1.0',
      id: 'broken-1',
      source: 'card-system',
      type: 'card.purchase',
      subject: 'C-gus',
      time: new Date(dayStartMs + 9 * 3_600_000).toISOString(),
      data: { amount: 1200, currency: 'CNY', merchantCategory: 'grocery', channel: 'pos', country: 'CN' },
      ...change,
    })
  return tellStory(
    dayStartMs,
    {
      id: 'broken-sender',
      title: 'A partner sends what is no event',
      watch:
        'Nine things that claim to be purchases of Gus: cut off, of an unknown type, without an amount, with a negative one, in euro ...',
      outcome: 'None counts, none is lost: each is a dead letter with its bytes and one reason.',
      expects: [{ kind: 'dead_letter', eventId: 'C-gus-1', reason: 'wrong_currency' }],
    },
    {
      'C-gus': (teller) => {
        const euro = {
          amount: 1200,
          currency: 'EUR',
          merchantCategory: 'grocery',
          merchantId: null,
          channel: 'pos',
          country: 'DE',
        }
        teller.fact({ daysBefore: 0, at: '09:00' }, 'card-system', 'card.purchase', euro)
        teller.raw('09:00:10', 'json', cloudEvent({}).slice(0, 90))
        teller.raw('09:00:20', 'json', cloudEvent({ id: 'broken-2', type: 'card.purchased' }))
        teller.raw('09:00:30', 'json', cloudEvent({ id: 'broken-3', data: { currency: 'CNY' } }))
        const negative = { amount: -5, currency: 'CNY', merchantCategory: 'grocery', channel: 'pos', country: 'CN' }
        teller.raw('09:00:40', 'json', cloudEvent({ id: 'broken-4', data: negative }))
        teller.raw('09:00:50', 'json', cloudEvent({ id: 'broken-5', subject: 'Gus Tav' }))
        teller.raw('09:01:00', 'json', cloudEvent({ id: 'broken-6', time: 'yesterday' }))
        teller.raw('09:01:10', 'avro', Uint8Array.of(0, 0, 0, 0, 250, 1, 2, 3))
        teller.raw('09:01:20', 'avro', Uint8Array.of(0, 0, 0, 0, 2, 255, 255))
      },
    },
  )
}
