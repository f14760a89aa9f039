/** The other end of the echo control: sends back what it gets. */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (frame: ArrayBuffer) => parentPort?.postMessage(frame, [frame]))
