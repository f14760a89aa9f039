/**
 * Every bound of the condition language, in one place. What crosses one is refused when the pack is checked, so that no
 * rule can run long; only `eventListLength` is met at run time, where a longer list reads as unknown.
 */
export const celLimits = {
  /** Characters of one condition. */
  sourceLength: 4_000,
  /** Nodes of its syntax tree. */
  nodes: 600,
  /** Nesting of its syntax tree. */
  depth: 32,
  /** Constants in a list such as `event.mcc in [...]`. */
  listConstants: 256,
  /** `exists` and `all` inside each other. */
  macroNesting: 2,
  /** Elements of an event list that conditions look at; a longer list is unknown. */
  eventListLength: 64,
  /** Characters of JavaScript one condition may become: nested ternaries grow it. */
  codeLength: 65_536,
  /** Pieces it may become, at least four characters each: asked before anything is generated. */
  pieces: 16_384,
  /** Rules in one generated function: beyond a few hundred, engines stop optimising a function. */
  rulesPerFunction: 50,
  /** Alternatives that the checks on constraints look at before they give up. */
  branches: 64,
} as const
