/** How kafkajs is made and spoken to: addresses, TLS, SASL, time limits, and sockets that can be cut. */
import { channel } from 'node:diagnostics_channel'
import net from 'node:net'
import tls from 'node:tls'
import { type ISocketFactory, Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs'

export type KafkaTls = {
  /** Certificates to trust, PEM; absent: those that Node trusts. */
  readonly ca?: string
  /** Our own certificate and key, PEM, where the broker asks for one. */
  readonly cert?: string
  readonly key?: string
  /** Name the broker's certificate is checked against; absent: the host of its address. */
  readonly servername?: string
  /** False: takes any certificate. For tests only. */
  readonly rejectUnauthorized?: boolean
}

export type KafkaSasl = {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export type KafkaConnection = {
  /** `host:port` of some brokers, at least one; the others are learnt from them. */
  readonly brokers: readonly string[]
  /** Name of this process in the broker's logs and quotas. */
  readonly clientId: string
  readonly tls?: KafkaTls
  readonly sasl?: KafkaSasl
  /** How long a TCP (and TLS) connection may take to be made, ms; 3,000 when absent. */
  readonly connectTimeoutMs?: number
}

/** One kafkajs client. Each of our parts has its own, so that the end of one is not the end of another. */
export type KafkaClient = {
  readonly kafka: Kafka
  /**
   * Cuts every connection at once and makes no new one: what kafkajs still tries fails, nothing of it reaches a broker. kafkajs
   * itself offers only an orderly end, which waits for answers that may never come, and repeats requests meanwhile.
   */
  cut(): void
}

/** What kafkajs has to say, as `{ level, message }`, for whoever subscribes: this folder does not log. */
export const kafkaChannel = channel('proffer:kafka')

const CONNECT_TIMEOUT_MS = 3_000
const KEEP_ALIVE_MS = 60_000
const levels: ReadonlyMap<logLevel, string> = new Map([
  [logLevel.ERROR, 'error'],
  [logLevel.WARN, 'warn'],
])

/**
 * Makes a client. Nothing is connected yet.
 * @param requestTimeoutMs how long a broker may take to answer a request
 */
export function createKafkaClient(connection: KafkaConnection, requestTimeoutMs: number): KafkaClient {
  const sockets = new Set<net.Socket>()
  let cut = false
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (cut) throw new Error('the client was cut off')
    const to = net.isIP(host) === 0 ? { host, port, servername: host } : { host, port }
    const socket = ssl ? tls.connect({ ...to, ...ssl }, onConnect) : net.connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    // kafkajs writes a request whole: to wait for more before sending it can only cost time.
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const config: KafkaConfig = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    connectionTimeout: connection.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    // Of a lost connection: each part repeats by itself, with a back-off and a bound of its own.
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
    socketFactory,
    logLevel: logLevel.WARN,
    logCreator: () => publish,
  }
  const { sasl } = connection
  if (connection.tls !== undefined) config.ssl = { ...connection.tls }
  if (sasl !== undefined) config.sasl = saslOf(sasl)
  return {
    kafka: new Kafka(config),
    cut() {
      cut = true
      for (const socket of sockets) socket.destroy(new Error('the client was cut off'))
    },
  }
}

function saslOf({ mechanism, username, password }: KafkaSasl): NonNullable<KafkaConfig['sasl']> {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password }
    case 'scram-sha-256':
      return { mechanism, username, password }
    case 'scram-sha-512':
      return { mechanism, username, password }
  }
}

/** Level and message only: what else kafkajs adds may hold values. */
function publish({ level, log }: LogEntry): void {
  if (kafkaChannel.hasSubscribers) kafkaChannel.publish({ level: levels.get(level) ?? 'info', message: log.message })
}
