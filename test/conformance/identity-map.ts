/** The contract of the identity map as a suite that every adapter runs. */
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AliasSeal, createAliasSeal } from '../../ingest/identity/alias-seal.ts'
import type { IdentityChange, IdentityMap, KeptIdentity } from '../../ingest/identity/identity-map.ts'
import { IdentityModel } from './identity-model.ts'

/** How the suite gets at an adapter. */
export type IdentityMapUnderTest = {
  /** A fresh, empty place for data. */
  makePlace(): Promise<string>
  open(place: string, options: { readonly seal: AliasSeal; readonly aliasesMax?: number }): Promise<IdentityMap>
  /** All that is kept in the place, as text. */
  dump(place: string): Promise<string>
  removePlace(place: string): Promise<void>
}

const seal = createAliasSeal(Buffer.alloc(32, 7))
const device = (name: string | number): string => seal.alias(`@device:${name}`)
const link = (alias: string, customerId: string, at = 1_000): IdentityChange => ({
  kind: 'link',
  alias,
  customerId,
  at,
})
const unlink = (alias: string, customerId: string, at = 1_000): IdentityChange => ({
  kind: 'unlink',
  alias,
  customerId,
  at,
})

/** Registers the suite under a name. */
export function identityMapConformance(name: string, underTest: IdentityMapUnderTest): void {
  describe(`${name} keeps the contract of the identity map`, () => {
    let place = ''
    let map: IdentityMap
    beforeEach(async () => {
      place = await underTest.makePlace()
      map = await underTest.open(place, { seal })
    })
    afterEach(async () => {
      await map.close()
      await underTest.removePlace(place)
    })
    const reopen = async (options: { readonly aliasesMax?: number } = {}) => {
      await map.close()
      map = await underTest.open(place, { seal, ...options })
    }

    it('resolves thousands of aliases in the order asked, and nobody for those that were never linked', async () => {
      const aliases = Array.from({ length: 5_000 }, (_, i) => device(i))
      const links = aliases.flatMap((alias, i) => (i % 3 === 0 ? [] : [link(alias, `C${i % 997}`)]))
      expect(new Set(await map.change(links))).toEqual(new Set(['done']))
      const expected = aliases.map((_, i) => (i % 3 === 0 ? null : `C${i % 997}`))
      expect(await map.resolve(aliases)).toEqual(expected)
      expect(await map.resolve([...aliases].reverse())).toEqual([...expected].reverse())
      expect(await map.resolve([])).toEqual([])
      expect(await map.change([])).toEqual([])
    })

    it('is what it was after it is opened again', async () => {
      await map.change([link(device('a'), 'C1'), link(device('b'), 'C1'), unlink(device('b'), 'C1')])
      await reopen()
      expect(await map.resolve([device('a'), device('b')])).toEqual(['C1', null])
      expect(await map.aliasesOf('C1')).toEqual([device('a')])
    })

    it('a change that is made again changes nothing', async () => {
      expect(await map.change([link(device('a'), 'C1'), link(device('a'), 'C1')])).toEqual(['done', 'done'])
      expect(await map.change([link(device('a'), 'C1')])).toEqual(['done'])
      expect(await map.aliasesOf('C1')).toEqual([device('a')])
      expect(await map.change([unlink(device('a'), 'C1'), unlink(device('a'), 'C1')])).toEqual(['done', 'done'])
      expect(await map.aliasesOf('C1')).toEqual([])
    })

    it('an alias that another customer has is given to nobody else until that one has it no more', async () => {
      await map.change([link(device('a'), 'C1')])
      expect(await map.change([link(device('a'), 'C2', 9_000), unlink(device('a'), 'C2', 9_000)])).toEqual([
        'taken',
        'taken',
      ])
      expect(await map.resolve([device('a')])).toEqual(['C1'])
      expect([await map.aliasesOf('C1'), await map.aliasesOf('C2')]).toEqual([[device('a')], []])
      expect(await map.change([unlink(device('a'), 'C1', 9_000), link(device('a'), 'C2', 9_000)])).toEqual([
        'done',
        'done',
      ])
      expect(await map.resolve([device('a')])).toEqual(['C2'])
      expect([await map.aliasesOf('C1'), await map.aliasesOf('C2')]).toEqual([[], [device('a')]])
    })

    it('a link that was undone does not come back when it is sent again late', async () => {
      await map.change([link(device('a'), 'C1', 1_000), unlink(device('a'), 'C1', 2_000)])
      expect(await map.change([link(device('a'), 'C1', 1_000)])).toEqual(['stale'])
      await reopen()
      expect(await map.change([link(device('a'), 'C1', 1_999)])).toEqual(['stale'])
      expect(await map.resolve([device('a')])).toEqual([null])
      expect(await map.aliasesOf('C1')).toEqual([])
      expect(await map.change([link(device('a'), 'C1', 2_000)])).toEqual(['done'])
      expect(await map.change([unlink(device('a'), 'C1', 1_500)])).toEqual(['stale'])
      expect(await map.resolve([device('a')])).toEqual(['C1'])
    })

    it('an unlinking that overtook its link keeps it out', async () => {
      expect(await map.change([unlink(device('a'), 'C1', 2_000), link(device('a'), 'C1', 1_000)])).toEqual([
        'done',
        'stale',
      ])
      expect(await map.resolve([device('a')])).toEqual([null])
    })

    it('a later link of the same customer makes an older unlinking old news', async () => {
      await map.change([link(device('a'), 'C1', 1_000), link(device('a'), 'C1', 3_000)])
      expect(await map.change([unlink(device('a'), 'C1', 2_000), unlink(device('a'), 'C1', 3_000)])).toEqual([
        'stale',
        'done',
      ])
    })

    it('a customer that is forgotten has no alias and gets none; the aliases are free for others', async () => {
      const aliases = Array.from({ length: 2_500 }, (_, i) => device(i))
      await map.change(aliases.map((alias) => link(alias, 'C1')))
      await map.change([link(device('other'), 'C2')])
      expect(await map.forget('C1')).toBe(2_500)
      expect(new Set(await map.resolve(aliases))).toEqual(new Set([null]))
      expect(await map.aliasesOf('C1')).toEqual([])
      expect(await map.forget('C1')).toBe(0)
      await reopen()
      expect(await map.change([link(device(1), 'C1', 9_000), link(device(1), 'C3')])).toEqual(['forgotten', 'done'])
      expect(await map.resolve([device(1), device('other')])).toEqual(['C3', 'C2'])
      expect(await map.aliasesOf('C1')).toEqual([])
      expect(await map.forget('nobody')).toBe(0)
    })

    it('a customer has a bounded number of aliases, and says so', async () => {
      await reopen({ aliasesMax: 2 })
      await map.change([link(device('a'), 'C1'), link(device('b'), 'C1')])
      expect(await map.change([link(device('c'), 'C1'), link(device('a'), 'C1')])).toEqual(['full', 'done'])
      await map.change([unlink(device('a'), 'C1')])
      expect(await map.change([link(device('c'), 'C1')])).toEqual(['done'])
      expect(await map.resolve(['a', 'b', 'c'].map(device))).toEqual([null, 'C1', 'C1'])
    })

    it('of many customers that want an alias at once exactly one gets it', async () => {
      const customers = Array.from({ length: 50 }, (_, i) => `C${i}`)
      const replies = await Promise.all(customers.map((id) => map.change([link(device('a'), id)])))
      const winners = customers.filter((_, i) => replies[i]?.[0] === 'done')
      expect(winners).toHaveLength(1)
      expect(replies.flat().filter((reply) => reply === 'taken')).toHaveLength(49)
      expect(await map.resolve([device('a')])).toEqual(winners)
      for (const id of customers) expect(await map.aliasesOf(id)).toEqual(id === winners[0] ? [device('a')] : [])
    })

    it('links that race with the end of their customer leave nothing behind', async () => {
      for (let round = 0; round < 20; round++) {
        const customerId = `C${round}`
        const aliases = Array.from({ length: 20 }, (_, i) => device(`${round}-${i}`))
        const links = aliases.map((alias) => map.change([link(alias, customerId)]))
        const forgetting = map.forget(customerId)
        await Promise.all([...links, forgetting])
        expect(new Set(await map.resolve(aliases))).toEqual(new Set([null]))
        expect(await map.aliasesOf(customerId)).toEqual([])
      }
    })

    it('links that race with their unlinking are never without their place among the aliases of the customer', async () => {
      const aliases = Array.from({ length: 20 }, (_, i) => device(i))
      await Promise.all(
        aliases.flatMap((alias) =>
          Array.from({ length: 6 }, (_, i) => map.change([(i % 2 === 0 ? link : unlink)(alias, 'C1')])),
        ),
      )
      const customers = await map.resolve(aliases)
      const linked = aliases.filter((_, i) => customers[i] === 'C1')
      expect([...(await map.aliasesOf('C1'))].sort()).toEqual(linked.sort())
      expect(await map.forget('C1')).toBe(linked.length)
      expect(new Set(await map.resolve(aliases))).toEqual(new Set([null]))
    })

    it('keeps nothing by which an alias could be read, nor the id of a customer that was forgotten', async () => {
      const card = '6225880123456789'
      await map.change([link(seal.alias(`@card:${card}`), 'kept-customer')])
      await map.change([link(device('a'), 'gone-customer')])
      await map.forget('gone-customer')
      await map.resolve([seal.alias(`@card:${card}`)])
      await reopen()
      const kept = await underTest.dump(place)
      expect(kept).toContain('kept-customer')
      expect(kept).not.toContain(card)
      // LMDB leaves bytes of freed pages in its file until they are used again.
      if (!name.includes('LMDB')) expect(kept).not.toContain('gone-customer')
    })

    it.each([
      ['an alias in the clear', () => map.resolve(['@card:6225880123456789'])],
      ['a customer id in place of an alias', () => map.change([link('C1', 'C1')])],
      ['an alias in place of a customer', () => map.change([link(device('a'), '@device:b')])],
      ['half a millisecond', () => map.change([link(device('a'), 'C1', 0.5)])],
      ['more aliases than a call may name', () => map.resolve(Array.from({ length: 10_001 }, () => device(1)))],
    ])('%s is a bug of the caller', async (_, call) => {
      await expect(call()).rejects.toThrow(/sealed|customer id|whole|bounded/)
    })

    it('what it keeps makes the same map elsewhere, whatever came before', async () => {
      await map.change([
        ...Array.from({ length: 2_500 }, (_, i) => link(device(i), `C${i % 400}`, 1_000 + i)),
        unlink(device(3), 'C3', 9_000),
        link(device('b'), 'C1', 2_000),
      ])
      await map.forget('C7')
      await map.forget('nobody')
      const kept: KeptIdentity[] = []
      for await (const piece of map.all()) kept.push(...piece)
      const otherPlace = await underTest.makePlace()
      const other = await underTest.open(otherPlace, { seal })
      try {
        // In any order, and some of it twice: a restore may be cut off.
        for (const piece of [kept.slice(1_000, 1_200), kept.slice(1_000), kept.slice(0, 1_000)]) await other.keep(piece)
        const aliases = [...Array.from({ length: 2_500 }, (_, i) => device(i)), device('b')]
        expect(await other.resolve(aliases)).toEqual(await map.resolve(aliases))
        for (const customer of ['C1', 'C3', 'C7', 'C399']) {
          expect([...(await other.aliasesOf(customer))].sort()).toEqual([...(await map.aliasesOf(customer))].sort())
        }
        expect(await other.resolve([device(0), device(3), device(7)])).toEqual(['C0', null, null])
        const changes = [
          link(device(3), 'C3', 8_999),
          link(device('new'), 'C7', 99_000),
          link(device('new'), 'nobody', 99_000),
          unlink(device('b'), 'C1', 1_999),
          link(device('b'), 'C2', 99_000),
        ]
        expect(await other.change(changes)).toEqual(['stale', 'forgotten', 'forgotten', 'stale', 'taken'])
        expect(await other.forget('C1')).toBe(8)
      } finally {
        await other.close()
        await underTest.removePlace(otherPlace)
      }
    })

    it('refuses calls after it was closed', async () => {
      await map.close()
      const closed = { code: 'identity_closed', retryable: false }
      await expect(map.resolve([device('a')])).rejects.toMatchObject(closed)
      await expect(map.change([link(device('a'), 'C1')])).rejects.toMatchObject(closed)
      await reopen()
    })

    it('answers every list of calls as the model does', async () => {
      await reopen({ aliasesMax: 3 })
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const own = `r${round++}`
          const model = new IdentityModel(3)
          const aliases = aliasNames.map((alias) => device(`${own}-${alias}`))
          for (const { kind, alias, customer, at } of steps) {
            const customerId = `${own}-${customer}`
            if (kind === 'forget') {
              expect(await map.forget(customerId)).toBe(model.forget(customerId))
              continue
            }
            const change = { kind, alias: device(`${own}-${alias}`), customerId, at }
            expect(await map.change([change])).toEqual([model.change(change)])
          }
          expect(await map.resolve(aliases)).toEqual(aliases.map((alias) => model.customerOf(alias)))
          for (const customer of customerNames) {
            const customerId = `${own}-${customer}`
            expect([...(await map.aliasesOf(customerId))].sort()).toEqual([...model.aliasesOf(customerId)].sort())
          }
        }),
        { numRuns: 150, seed: 4_711 },
      )
    }, 60_000)
  })
}

const aliasNames = ['a', 'b', 'c', 'd', 'e'] as const
const customerNames = ['x', 'y', 'z'] as const
const step = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('link' as const) },
    { weight: 7, arbitrary: fc.constant('unlink' as const) },
    { weight: 1, arbitrary: fc.constant('forget' as const) },
  ),
  alias: fc.constantFrom(...aliasNames),
  customer: fc.constantFrom(...customerNames),
  at: fc.integer({ min: 0, max: 6 }),
})
