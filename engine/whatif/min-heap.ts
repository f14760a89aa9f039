/** A binary heap: the least item first. */
export class MinHeap<Item> {
  readonly #items: Item[] = []
  readonly #isBefore: (one: Item, other: Item) => boolean

  /** @param isBefore a strict order */
  constructor(isBefore: (one: Item, other: Item) => boolean) {
    this.#isBefore = isBefore
  }

  /** The least item, which stays. */
  get first(): Item | undefined {
    return this.#items[0]
  }

  push(item: Item): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const up = (at - 1) >> 1
      const above = items[up]
      if (above === undefined || !this.#isBefore(item, above)) break
      items[at] = above
      at = up
    }
    items[at] = item
  }

  /** Takes the least item away. */
  pop(): Item | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      const left = items[down]
      const right = items[down + 1]
      if (left !== undefined && right !== undefined && this.#isBefore(right, left)) down++
      const child = items[down]
      if (child === undefined || !this.#isBefore(child, last)) break
      items[at] = child
      at = down
    }
    items[at] = last
    return first
  }
}
