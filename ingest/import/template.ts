/** Texts with columns in braces: `berka-{trans_id}`. */

/** The pieces of a template: text and columns in turn. */
export type TemplatePart = { readonly text: string } | { readonly column: string }

/** Splits a template; null when a brace is left open or a name is empty. */
export function parseTemplate(template: string): readonly TemplatePart[] | null {
  const parts: TemplatePart[] = []
  let rest = template
  while (rest !== '') {
    const open = rest.indexOf('{')
    const text = open < 0 ? rest : rest.slice(0, open)
    if (text.includes('}')) return null
    if (text !== '') parts.push({ text })
    if (open < 0) break
    const close = rest.indexOf('}', open)
    const column = close < 0 ? '' : rest.slice(open + 1, close).trim()
    if (column === '' || column.includes('{')) return null
    parts.push({ column })
    rest = rest.slice(close + 1)
  }
  return parts
}

/** The columns a template reads. */
export function templateColumns(template: string): readonly string[] {
  return (parseTemplate(template) ?? []).flatMap((part) => ('column' in part ? [part.column] : []))
}
