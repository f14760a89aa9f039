/** Makes this process one whose platform has no build of chDB. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'chdb') throw new Error('no native binding')
    return next(specifier, context)
  },
})
