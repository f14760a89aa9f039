/** What the tests do to Kafka behind the engines' back. */
import { type Admin, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'

/** Does something as an administrator. */
export async function asAdmin<Result>(
  brokers: readonly string[],
  use: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = new Kafka({ clientId: 'faults-admin', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** A topic that can be read but takes nothing, for every record is too large for it, or that takes records again. */
export async function setWritable(brokers: readonly string[], topic: string, writable: boolean): Promise<void> {
  const configEntries = [{ name: 'max.message.bytes', value: writable ? '1048588' : '1' }]
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }]
  await asAdmin(brokers, (admin) => admin.alterConfigs({ validateOnly: false, resources }))
}
