/** The latest lines of what an application prints, for messages and for readiness. Untrusted text. */

const LINES = 40;
const LINE_LENGTH = 4096;
/** Of a message. */
const SHOWN_LINES = 8;
const SHOWN_LENGTH = 200;

export class Output {
  private readonly latest: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();

  add(text: string): void {
    const line = text.slice(0, LINE_LENGTH);
    this.latest.push(line);
    if (this.latest.length > LINES) this.latest.shift();
    for (const listener of this.listeners) listener(line);
  }

  /** Also for the lines there are already. Returns what ends it. */
  onLine(listener: (line: string) => void): () => void {
    for (const line of this.latest) listener(line);
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** One line for the cause of an error. */
  toString(): string {
    return lastLines(this.latest.join('\n'));
  }
}

/** The end of a text as one line. */
export function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const shown = lines.slice(-SHOWN_LINES).map((line) => line.slice(0, SHOWN_LENGTH).trimEnd());
  return shown.length === 0 ? 'it printed nothing' : `its output ends with: ${shown.join(' | ')}`;
}

/** Splits a stream's chunks into lines; one that grows beyond all measure is cut. */
export function lineSplitter(onLine: (line: string) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length > LINE_LENGTH) {
      onLine(rest);
      rest = '';
    }
  };
}
