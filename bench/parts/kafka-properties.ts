/** The configuration of a broker that is alone, small, and on loopback. */

export type KafkaPorts = { readonly plain: number; readonly controller: number; readonly secure: number }

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

/** One user of the secure listener. Letters, digits and dashes only, as they go into Kafka's own quoting. */
export type SaslUser = { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }

export type PropertyChoices = {
  readonly ports: KafkaPorts
  /** Where clients of the plain listener are told to go; another port when a proxy stands in front. */
  readonly advertisedPort: number
  readonly dataDir: string
  readonly sasl: SaslUser | null
  /** PKCS 12 file with the broker's key. */
  readonly keystore: { readonly file: string; readonly password: string } | null
  /** Wins over everything else. */
  readonly extra: Readonly<Record<string, string>>
}

/** The text of `server.properties`. */
export function kafkaProperties(choices: PropertyChoices): string {
  const all = { ...basics(choices), ...secureListener(choices), ...choices.extra }
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}

/** Whether anything asks for the second, secure listener. */
export function isSecured({ sasl, keystore }: Pick<PropertyChoices, 'sasl' | 'keystore'>): boolean {
  return sasl !== null || keystore !== null
}

function basics(choices: PropertyChoices): Record<string, string> {
  const { ports, advertisedPort, dataDir } = choices
  const secured = isSecured(choices)
  const secure = secured ? `,SECURE://127.0.0.1:${ports.secure}` : ''
  const protocol = `${choices.sasl === null ? '' : 'SASL_'}${choices.keystore === null ? 'PLAINTEXT' : 'SSL'}`
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${ports.plain},CONTROLLER://127.0.0.1:${ports.controller}${secure}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort}${secure}`,
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT${secured ? `,SECURE:${protocol}` : ''}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataDir,
    'log.message.timestamp.type': 'LogAppendTime',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // After kill -9 a broker is let in again when its old session has run out: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'num.network.threads': '2',
    'num.io.threads': '2',
    'background.threads': '2',
    'log.cleaner.dedupe.buffer.size': '4194304',
  }
}

function secureListener({ sasl, keystore }: PropertyChoices): Record<string, string> {
  const properties: Record<string, string> = {}
  if (sasl !== null) {
    const plain = sasl.mechanism === 'plain'
    const module = plain ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
    const users = plain ? ` user_${sasl.username}="${sasl.password}"` : ''
    properties['sasl.enabled.mechanisms'] = sasl.mechanism.toUpperCase()
    properties[`listener.name.secure.${sasl.mechanism}.sasl.jaas.config`] =
      `org.apache.kafka.common.security.${module} required${users};`
  }
  if (keystore !== null) {
    properties['listener.name.secure.ssl.keystore.type'] = 'PKCS12'
    properties['listener.name.secure.ssl.keystore.location'] = keystore.file
    properties['listener.name.secure.ssl.keystore.password'] = keystore.password
    properties['listener.name.secure.ssl.key.password'] = keystore.password
  }
  return properties
}
