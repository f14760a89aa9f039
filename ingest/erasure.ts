/** The event that erases a customer. */
export const erasureType = 'customer.erased'

/**
 * For so long after an erasure nothing of the customer is taken, milliseconds: longer than any log, backup or topic keeps what
 * could bring an erased customer back.
 */
export const erasedForMs = 800 * 86_400_000
