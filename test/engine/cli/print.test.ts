import { describe, expect, it } from 'vitest'
import { aboutHowLong, oneLine, table } from '../../../engine/cli/print.ts'

describe('texts of people in what commands print', () => {
  it('keeps a reason with line breaks on the line of its record', () => {
    const rows = [
      ['anna', 'spring\n9  bob  approved'],
      ['bob', 'fine'],
    ]
    expect(table(['who', 'why'], rows).split('\n')).toHaveLength(4)
  })

  it('shows what would steer the terminal or turn the direction of writing, and keeps all other writing', () => {
    expect(oneLine('a\u001b[2Kb\u202ec\u2028d')).toBe('a\\u{1b}[2Kb\\u{202e}c\\u{2028}d')
    expect(oneLine("春 ✨ 'quoted' é")).toBe("春 ✨ 'quoted' é")
  })
})

it.each([
  [900, '1 s'],
  [119_000, '119 s'],
  [121_000, '3 min'],
  [7_100_000, '119 min'],
  [9_000_000, '2.5 hours'],
])('%d ms take about %s', (ms, words) => {
  expect(aboutHowLong(ms)).toBe(words)
})
