/** A record that the popular stack and Kafka Streams send for a rule that hits, as JSON. */
export type HitRecord = {
  readonly event: string
  readonly customer: string
  readonly rule: string
  readonly at: number
}
