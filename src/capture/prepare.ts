/**
 * Loading the ebpf tracer's programs takes about as long as everything else that a recording waits for,
 * and needs to know nothing of the target: so it begins first, on a thread. Imports next to nothing.
 */
import { addon } from './binding';
import type { NativePrograms, SessionOptions } from './binding-types';

/** What keeps them from being loaded is told where they are used. */
export function prepare(kind: SessionOptions['programs']): NativePrograms {
  return new (addon().Programs)(kind);
}
