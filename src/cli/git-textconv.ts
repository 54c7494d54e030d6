/** `sysieve git-textconv FILE`: a profile as lines for git's own diffs. */
import type { Command } from 'commander';
import { SysieveError } from '../errors';
import { readTextFile } from '../io';
import { profileLines } from '../profile';
import { SETUP } from './git-setup';
import { emit } from './output';
import { profileSide } from './profile-side';
import { printable } from './terminal';

/** The lines of a profile; of what is none the text itself, below why, so that no change is lost. */
async function converted(path: string): Promise<string[]> {
  const text = await readTextFile(path);
  try {
    // git hands over a temporary file: its name is another one every time, and must not be a change.
    const { profile, notes } = await profileSide({
      label: 'the profile',
      text,
      source: 'the profile',
      path,
      evidence: null,
      withoutBase: true,
    });
    return [...notes.map((note) => `# ${note}`), ...profileLines(profile)];
  } catch (error) {
    if (!(error instanceof SysieveError)) throw error;
    return [`# not read as a profile: ${error.message}`, ...text.split('\n')];
  }
}

async function run(path: string): Promise<void> {
  // git means a file of that name.
  const lines = await converted(path === '-' ? './-' : path);
  await emit(lines.map((line) => `${printable(line)}\n`).join(''));
}

export function register(program: Command): void {
  program
    .command('git-textconv')
    .description("print a profile as one line for each call and rule, for git's textconv")
    .argument('<file>', 'the profile; git names it')
    // A path may begin with a hyphen.
    .allowUnknownOption()
    .addHelpText('after', SETUP)
    .action(run);
}
