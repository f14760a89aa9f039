/**
 * Answers of live requests as one ArrayBuffer, to move them between threads. Per answer (little endian): index u32,
 * committed u8, length u32, decision record.
 */
import type { DecisionCodec } from '../../sinks/decision-codec.ts'
import type { LiveAnswer } from './shard-port.ts'

const headBytes = 9

export function packAnswers(answers: readonly LiveAnswer[]): ArrayBuffer {
  let size = 0
  for (const { bytes } of answers) size += headBytes + bytes.length
  const buffer = new ArrayBuffer(size)
  const out = Buffer.from(buffer)
  let at = 0
  for (const { index, committed, bytes } of answers) {
    out.writeUInt32LE(index, at)
    out[at + 4] = committed ? 1 : 0
    out.writeUInt32LE(bytes.length, at + 5)
    out.set(bytes, at + headBytes)
    at += headBytes + bytes.length
  }
  return buffer
}

export function unpackAnswers(buffer: ArrayBuffer, codec: DecisionCodec): LiveAnswer[] {
  const frame = Buffer.from(buffer)
  const answers: LiveAnswer[] = []
  let at = 0
  while (at < frame.length) {
    const end = at + headBytes + frame.readUInt32LE(at + 5)
    const bytes = frame.subarray(at + headBytes, end)
    answers.push({
      index: frame.readUInt32LE(at),
      committed: frame[at + 4] === 1,
      bytes,
      decision: codec.decode(bytes),
    })
    at = end
  }
  return answers
}
