/**
 * What ClickHouse's `readonly` does not refuse in its embedded form: there the statement itself can write a file
 * (INTO OUTFILE) and read any file of the machine (the `file` function), which a server would not allow.
 */

/**
 * Why a read-only statement is refused, or null when nothing speaks against it.
 *
 * Looks at the words of the whole text, strings and comments included, so that nothing can hide in a nesting that we
 * would read differently from ClickHouse; the price is a few harmless statements refused.
 */
export function readOnlyRefusal(sql: string): string | null {
  if (/\b(?:file|outfile|infile)\b/i.test(sql))
    return 'statements with the words file, infile or outfile are refused here'
  // An escape in a quoted name could spell a word that the line above does not see.
  if (/["`]/.test(sql) && sql.includes('\\')) return 'a backslash together with quoted names is refused here'
  return null
}
