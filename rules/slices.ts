/** Long work in slices, so that a thread that must not stand still can do it between other things. */

/** Work that pauses wherever it yields. What it does between two pauses is short: a rule, a table. */
export type Slices<Value> = Generator<undefined, Value>

/** Does all of it at once. */
export function atOnce<Value>(work: Slices<Value>): Value {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** One after the other, with a pause behind each. */
export function* eachInSlices<Item, Value>(
  items: Iterable<Item>,
  make: (item: Item, index: number) => Value,
): Slices<Value[]> {
  const made: Value[] = []
  for (const item of items) {
    made.push(make(item, made.length))
    yield
  }
  return made
}
