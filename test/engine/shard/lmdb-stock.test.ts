import { describe } from 'vitest'
import { stockTests } from './stock.ts'
import { lmdbPlace } from './stock-bank.ts'

describe('stock in LMDB', () => stockTests(lmdbPlace))
