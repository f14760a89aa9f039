/** Most findings that are told to people at once; machines get all of them. */
export const findingsShown = 100

/**
 * The first findings, in the order given, then one line that says how many more there are and how to see them.
 * @param how such as `proffer check PACK --all`; null: all are wanted
 */
export function someLines(lines: readonly string[], how: string | null): readonly string[] {
  const more = lines.length - findingsShown
  if (how === null || more <= 0) return lines
  return [...lines.slice(0, findingsShown), `And ${more.toLocaleString('en-US')} more; \`${how}\` shows them all.`]
}
