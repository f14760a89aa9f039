import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAlias, isSealedAlias } from '../../../ingest/identity/alias.ts'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { isCustomerId, isCustomerName } from '../../../ingest/validate.ts'
import { anyAlias } from '../event-arbitrary.ts'

const seal = createAliasSeal(Buffer.alloc(32, 1))
const saidAlias = anyAlias.filter(isAlias)

describe('an alias', () => {
  test.each([
    '@device:a',
    '@card:6225880123456789',
    '@wechat_open_id1:oGZUI0egBJY1zhBYw2KhdUfwVJJE',
    '@email:a.b+c@bank.example',
    '@url:https://x/y?z=1#2:3',
    `@k:${'~'.repeat(128)}`,
  ])('is %s', (text) => {
    expect([isAlias(text), isCustomerName(text), isCustomerId(text)]).toEqual([true, true, false])
  })

  test.each([
    ['without an at sign', 'device:a'],
    ['without a kind', '@:a'],
    ['without a value', '@device:'],
    ['without a colon', '@device'],
    ['with a capital in its kind', '@Device:a'],
    ['with a kind that begins with a digit', '@1st:a'],
    ['with a kind of 17 characters', `@${'k'.repeat(17)}:a`],
    ['with a value of 129 characters', `@k:${'x'.repeat(129)}`],
    ['with a blank', '@device:a b'],
    ['with a line break behind it', '@device:a\n'],
    ['with letters beyond ASCII', '@device:é'],
    ['with nothing in it', ''],
    ['that is sealed', seal.alias('@device:a')],
  ])('is no text %s', (_, text) => {
    expect(isAlias(text)).toBe(false)
    if (text.startsWith('@')) expect(isCustomerName(text)).toBe(false)
  })
})

describe('the seal', () => {
  test('leaves the kind readable and nothing of the value, and is the same for the same alias', () => {
    fc.assert(
      fc.property(saidAlias, (alias) => {
        const sealed = seal.alias(alias)
        expect(isSealedAlias(sealed)).toBe(true)
        expect(sealed.slice(0, sealed.indexOf('#'))).toBe(alias.slice(0, alias.indexOf(':')))
        expect(seal.alias(alias)).toBe(sealed)
        expect(seal.alias(sealed)).toBe(sealed)
      }),
    )
  })

  test('tells kinds, values, secrets, and customers from aliases', () => {
    const other = createAliasSeal(Buffer.alloc(32, 2))
    const sealed = [
      seal.alias('@card:1'),
      seal.alias('@card:11'),
      seal.alias('@device:1'),
      other.alias('@card:1'),
      `@card#${seal.customer('@card:1')}`,
    ]
    expect(new Set(sealed.map((text) => text.slice(text.indexOf('#'))))).toHaveLength(5)
  })

  test('is the one that maps on disk were made with', () => {
    expect(seal.alias('@card:6225880123456789')).toBe('@card#EXZLKXcPueK4knApm6VarA')
    expect(seal.customer('C1')).toBe('KlmqqfbwdDn-0VYYUGR9Sg')
  })
})
