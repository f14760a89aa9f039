/** The type of the event by which a role opens a guardrail for a customer, or closes it again. */
export const overrideType = 'guardrail.overridden'
