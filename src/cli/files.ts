/** What several commands read alike: recordings, the evidence beside a profile, lists of names. */
import { InvalidArgumentError } from 'commander';
import { readTextFile, sourceName } from '../io';
import type { RuntimeChoice } from '../minimise';
import { mergeRecordings, parseRecording, type Recording } from '../recording';
import { stdinTwice } from './streams';

export function list(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('expected no empty name');
  return items;
}

export function parseRuntime(text: string, previous: RuntimeChoice | undefined): RuntimeChoice {
  const names = [...(Array.isArray(previous) ? (previous as string[]) : []), ...list(text)];
  const whole = names.find((name) => name === 'all' || name === 'none') as
    | 'all'
    | 'none'
    | undefined;
  if (whole === undefined) return names;
  if (names.length > 1) throw new InvalidArgumentError(`'${whole}' goes with no other name`);
  return whole;
}

/** By the first key: neither format has one of the other's. What is no object is for a parser to refuse. */
export function isRecording(text: string): boolean {
  return !/^\s*\{/.test(text) || /^\s*\{\s*(?:"(?:version|runs)"|\})/.test(text);
}

/** Merged; of runs that contradict each other the error names the files. */
export async function readRecordings(paths: readonly string[]): Promise<Recording> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw stdinTwice();
  }
  const recordings: Recording[] = [];
  for (const path of paths) {
    recordings.push(parseRecording(await readTextFile(path), sourceName(path)));
  }
  return mergeRecordings(recordings, paths.map(sourceName));
}
