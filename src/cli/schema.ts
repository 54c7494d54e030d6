/** `sysieve schema NAME`: the JSON Schema of a file that sysieve reads or writes. */
import { Argument, type Command } from 'commander';
import { stringify } from 'lossless-json';
import { configJsonSchema } from '../config';
import { baselineJsonSchema } from '../minimise';
import { evidenceJsonSchema, profileJsonSchema } from '../profile';
import { reachJsonSchema } from '../reach';
import { recordingJsonSchema } from '../recording';
import { waiversJsonSchema } from '../review/waivers';
import { emit } from './output';

const SCHEMAS: Readonly<Record<string, () => object>> = {
  recording: recordingJsonSchema,
  profile: profileJsonSchema,
  evidence: evidenceJsonSchema,
  baseline: baselineJsonSchema,
  reach: reachJsonSchema,
  waivers: waiversJsonSchema,
  config: configJsonSchema,
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
