/** What every kind of rule has: texts, and where it stands. */

/** A text in the languages every customer- or colleague-facing text has. */
export type Text = { readonly en: string; readonly zh: string }

/** Where a piece of the pack stands, for messages: file relative to the pack, 1-based line. */
export type Place = { readonly file: string; readonly line: number }
