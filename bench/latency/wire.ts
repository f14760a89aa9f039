/**
 * How the load generator hands events over. Per event, little endian: scheduled instant f64 (ms of the clock all processes
 * share), event time f64 (Unix ms), customer u32, partition u8, length u8, the event's bytes.
 */
export const headBytes = 22

/** What the receiver is told, event by event, then once for each piece that came in. */
export type Receiver = {
  /** @param bytes the event in Confluent framing; stays as it is after the call */
  event(scheduledAt: number, eventTime: number, customer: number, partition: number, bytes: Uint8Array): void
  /** @param at when the piece came in, ms of the shared clock */
  end(at: number): void
}

/** Writes the head of an event whose bytes follow. */
export function writeHead(
  into: DataView,
  at: number,
  head: { readonly scheduledAt: number; readonly eventTime: number; readonly customer: number },
  partition: number,
  length: number,
): void {
  into.setFloat64(at, head.scheduledAt, true)
  into.setFloat64(at + 8, head.eventTime, true)
  into.setUint32(at + 16, head.customer, true)
  into.setUint8(at + 20, partition)
  into.setUint8(at + 21, length)
}

/** Takes pieces as the socket gives them and tells the receiver of every whole event; keeps what is cut. */
export class WireReader {
  #rest = new Uint8Array()

  feed(piece: Uint8Array, at: number, receiver: Receiver): void {
    const rest = this.#rest
    const bytes = new Uint8Array(rest.length + piece.length)
    bytes.set(rest)
    bytes.set(piece, rest.length)
    const view = new DataView(bytes.buffer)
    let next = 0
    while (next + headBytes <= bytes.length) {
      const end = next + headBytes + view.getUint8(next + 21)
      if (end > bytes.length) break
      receiver.event(
        view.getFloat64(next, true),
        view.getFloat64(next + 8, true),
        view.getUint32(next + 16, true),
        view.getUint8(next + 20),
        bytes.subarray(next + headBytes, end),
      )
      next = end
    }
    this.#rest = bytes.subarray(next)
    receiver.end(at)
  }
}
