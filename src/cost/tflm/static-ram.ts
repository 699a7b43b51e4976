/** Size of a MicroInterpreter object on Cortex-M, bytes (sizeof, tflite-micro 90b983c2b). */
const INTERPRETER_BYTES = 208;
/** MicroMutableOpResolver<N>: 12 + 36 N bytes on Cortex-M. */
const RESOLVER_BASE_BYTES = 12;
const RESOLVER_OPERATOR_BYTES = 36;

/** RAM that TFLM takes outside the arena on Cortex-M, bytes: interpreter and resolver objects. The C stack, profiler and resource variables come on top. */
export function staticRamBytes(distinctOperators: number): number {
  return INTERPRETER_BYTES + RESOLVER_BASE_BYTES + RESOLVER_OPERATOR_BYTES * distinctOperators;
}
