/** What a recorder tells those who iterate over it, and the marks that it was given. */
import type { Capture, Progress } from '../capture/capture';
import { syscallName } from '../tables';
import type { RecordEvent } from './recorder';
import type { Phase } from './recording';

/** The events that one iteration has not fetched yet. */
class Queue implements AsyncIterator<RecordEvent> {
  private readonly waiting: RecordEvent[] = [];
  private wake: (() => void) | null = null;
  private over = false;
  private failure: { thrown: unknown } | null = null;

  push(event: RecordEvent): void {
    const last = this.waiting.at(-1);
    if (event.kind === 'progress' && last?.kind === 'progress') this.waiting.pop();
    this.waiting.push(event);
    this.wake?.();
  }

  end(failure: { thrown: unknown } | null): void {
    this.over = true;
    this.failure = failure;
    this.wake?.();
  }

  async next(): Promise<IteratorResult<RecordEvent, undefined>> {
    while (this.waiting.length === 0) {
      if (this.over) {
        const { failure } = this;
        this.failure = null;
        if (failure !== null) throw failure.thrown;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = null;
    }
    return { done: false, value: this.waiting.shift() as RecordEvent };
  }

  async return(): Promise<IteratorResult<RecordEvent, undefined>> {
    this.waiting.length = 0;
    this.end(null);
    return { done: true, value: undefined };
  }
}

/** Events to all who iterate; one who comes late is told of the end at least. */
export class Events {
  private readonly queues = new Set<Queue>();
  private last: RecordEvent | null = null;
  private failure: { thrown: unknown } | null = null;
  private starts = 0;

  iterate(): AsyncIterator<RecordEvent> {
    const queue = new Queue();
    if (this.last !== null) queue.push(this.last);
    if (this.last !== null || this.failure !== null) queue.end(this.failure);
    else this.queues.add(queue);
    return queue;
  }

  tell(event: RecordEvent): void {
    for (const queue of this.queues) queue.push(event);
  }

  progress({ elapsedMs, calls, distinct, tuples, newest, live, starts }: Progress): void {
    if (starts > this.starts) this.tell({ kind: 'started', starts, elapsedMs });
    this.starts = starts;
    const named = newest && { ...newest, name: syscallName(newest.abi, newest.number) };
    this.tell({
      kind: 'progress',
      elapsedMs,
      calls,
      distinct,
      tuples,
      newest: named,
      live,
      starts,
    });
  }

  end(event: RecordEvent): void {
    this.last = event;
    this.tell(event);
    this.close();
  }

  fail(thrown: unknown): void {
    this.failure = { thrown };
    this.close();
  }

  private close(): void {
    for (const queue of this.queues) queue.end(this.failure);
    this.queues.clear();
  }
}

/** Marks, also those set before there is anything to mark. */
export class Marks {
  private readonly early: Phase[] = [];
  private capture: Capture | null = null;

  constructor(private readonly tell: Events['tell']) {}

  set(phase: Phase): void {
    if (this.capture === null) this.early.push(phase);
    else this.apply(this.capture, phase);
  }

  arm(capture: Capture): void {
    this.capture = capture;
    for (const phase of this.early) this.apply(capture, phase);
  }

  private apply(capture: Capture, phase: Phase): void {
    this.tell({ kind: 'phase', phase, elapsedMs: capture.mark(phase) });
  }
}
