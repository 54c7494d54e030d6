/** The socket that carries a seccomp listener from the launcher to the tracer. */
import { closeSync } from 'node:fs';
import { addon } from './binding';

export interface End {
  fd: number;
  /** Idempotent. */
  close(): void;
}

function end(fd: number): End {
  let open = true;
  return {
    fd,
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Both ends are closed when `body` has ended. */
export async function withListenerSocket<T>(
  body: (ends: { ours: End; theirs: End }) => Promise<T>,
): Promise<T> {
  const [first, second] = addon().socketPair();
  const ends = { ours: end(first), theirs: end(second) };
  try {
    return await body(ends);
  } finally {
    ends.ours.close();
    ends.theirs.close();
  }
}
