import type { Timing } from '../clock.ts'
import type { NodePacks } from './node-packs.ts'

/** How often the installation's record is looked at: another node may have put a pack in force. */
export const followEveryMs = 2_000

/** Has a node take up what the record says, also when it was away while it was put in force. Goes on until it is stopped. */
export class PackFollower {
  readonly #node: Pick<NodePacks, 'takeUp'>
  readonly #timing: Timing
  #callOff: () => void = () => {}
  #isStopped = false
  #looking: Promise<void> = Promise.resolve()

  constructor(node: Pick<NodePacks, 'takeUp'>, timing: Timing) {
    this.#node = node
    this.#timing = timing
  }

  start(): void {
    this.#callOff = this.#timing.after(followEveryMs, () => {
      this.#looking = this.#look()
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#callOff()
    await this.#looking
  }

  async #look(): Promise<void> {
    // A store that is away is asked again.
    await this.#node.takeUp().catch(() => undefined)
    if (!this.#isStopped) this.start()
  }
}
