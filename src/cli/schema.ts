/** `sysieve schema NAME`: the JSON Schema of a file that sysieve reads or writes. */
import { Argument, type Command } from 'commander';
import { stringify } from 'lossless-json';
import { emit } from './output';

/** Loaded when asked for: building a schema takes longer than printing a help text. */
const SCHEMAS: Readonly<Record<string, () => object>> = {
  recording: () => (require('../recording') as typeof import('../recording')).recordingJsonSchema(),
  profile: () => (require('../profile') as typeof import('../profile')).profileJsonSchema(),
  evidence: () => (require('../profile') as typeof import('../profile')).evidenceJsonSchema(),
  baseline: () => (require('../minimise') as typeof import('../minimise')).baselineJsonSchema(),
};

export function register(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of a file format')
    .addArgument(new Argument('<name>', 'which format').choices(Object.keys(SCHEMAS)))
    .option('--json', 'accepted for uniformity: the output is JSON')
    .action(async (name: string) => {
      // Lossless: a u64's bound is no JSON number that JavaScript could hold.
      await emit(`${stringify(SCHEMAS[name]?.(), null, 2)}\n`);
    });
}
