/** `sysieve git-diff-driver`: the semantic diff in the place of git's own, for diff.NAME.command. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { diff, type ProfileSide } from '../diff';
import { SysieveError } from '../errors';
import { evidenceBeside, evidencePath, gitColours, readTextFile } from '../io';
import { SETUP } from './git-setup';
import { emit } from './output';
import { permitted } from './permitted';
import { profileSide } from './profile-side';
import { renderReport, type Screen, waived } from './review';
import { printable } from './terminal';

interface Flags {
  withoutBase?: true;
}

/** One of the two files that git hands over. */
interface Version {
  path: string;
  /** In messages: a/app.json, b/app.json. */
  name: string;
  /** A temporary file of git's, or the file of the work tree. */
  file: string;
  hex: string;
  mode: string;
}

/** git's seven arguments, or nine of a renamed file (Documentation/git.txt, GIT_EXTERNAL_DIFF). */
interface Change {
  path: string;
  before: Version | null;
  after: Version | null;
}

const SYMLINK = /^120/;

/** git says /dev/null for the side that is not there. */
function version(side: 'a' | 'b', path: string, args: readonly string[]): Version | null {
  const [file = '', hex = '', mode = ''] = args;
  return mode === '.' ? null : { path, name: `${side}/${path}`, file, hex, mode };
}

function changeOf(args: readonly string[]): Change {
  const [path = '', ...rest] = args;
  return {
    path,
    before: version('a', path, rest.slice(0, 3)),
    after: version('b', args[7] ?? path, rest.slice(3, 6)),
  };
}

function shortHex({ hex }: Version): string {
  return /^0+$/.test(hex) ? 'work tree' : hex.slice(0, 7);
}

function header({ before, after }: Change): string {
  const from = before === null ? '/dev/null' : `${before.name} (${shortHex(before)})`;
  const to = after === null ? '/dev/null' : `${after.name} (${shortHex(after)})`;
  const mode =
    before !== null && after !== null && before.mode !== after.mode
      ? `, mode ${before.mode} to ${after.mode}`
      : '';
  return `sysieve diff ${from} ${to}${mode}`;
}

async function sideOf(given: Version, flags: Flags): Promise<ProfileSide> {
  if (SYMLINK.test(given.mode)) {
    throw new SysieveError('input', 'side-symlink', `${given.name} is a symbolic link`, {
      remedy: 'Compare what it leads to.',
    });
  }
  // git never means standard input.
  const text = await readTextFile(given.file === '-' ? './-' : given.file);
  // Of a commit the profile alone is handed over, in a temporary file; of the work tree the file.
  const here = given.file === given.path;
  const evidence = here ? await evidenceBeside(given.path) : null;
  const side = await profileSide({
    label: given.name,
    text,
    source: given.name,
    path: given.path,
    evidence,
    withoutBase: flags.withoutBase === true,
  });
  if (here || !existsSync(evidencePath(given.path))) return side;
  const note = `${given.name} is compared without its evidence, which git does not hand over: sysieve diff REV:${given.path} reads it`;
  return { ...side, notes: [...side.notes, note] };
}

async function oneSided(given: Version, flags: Flags, what: string) {
  const side = await sideOf(given, flags);
  const sentences = [...side.notes, ...permitted(side)];
  const lines = [`${given.name} is ${what}:`, ...sentences.map((text) => `  ${text}`)];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

async function shown(change: Change, flags: Flags, screen: Screen): Promise<string> {
  const { before, after } = change;
  if (before === null && after === null) return '';
  if (before === null) return oneSided(after as Version, flags, 'a new profile');
  if (after === null) return oneSided(before, flags, 'a deleted profile; it was');
  const report = diff(await sideOf(before, flags), await sideOf(after, flags));
  return renderReport(await waived(report, {}), 'terminal', screen);
}

/** What went wrong, where the diff would stand: it must not look like "no change". */
function failure(thrown: unknown, { path }: Change): string {
  const known = thrown instanceof SysieveError;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const lines = [
    `NOT COMPARED: ${path}: ${message}`,
    ...(known && thrown.reason !== undefined ? [`  cause: ${thrown.reason}`] : []),
    ...(known && thrown.remedy !== undefined ? [`  remedy: ${thrown.remedy}`] : []),
    known
      ? '  The files differ; git diff --no-ext-diff shows their lines.'
      : '  That is a defect of sysieve; git diff --no-ext-diff shows the lines of the files.',
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/** git's pager counts as the terminal that it stands for. */
function screen(): Screen {
  const paged = process.env.GIT_PAGER_IN_USE === 'true';
  const { stdout } = process;
  const columns = stdout.columns ?? Number(process.env.COLUMNS);
  const plain = (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb';
  return {
    columns: Number.isInteger(columns) && columns > 0 ? columns : 80,
    colour: !plain && gitColours(paged || stdout.isTTY === true),
  };
}

async function run(args: readonly string[], flags: Flags): Promise<void> {
  if (args.length === 1) {
    await emit(`${printable(`${args[0]} is unmerged: nothing to compare yet`)}\n`);
    return;
  }
  if (args.length !== 7 && args.length !== 9) {
    throw new SysieveError('usage', 'usage', 'git calls this with 1, 7 or 9 arguments', {
      remedy: "Set it up as 'sysieve git-diff-driver --help' says; by hand, use 'sysieve diff'.",
    });
  }
  const change = changeOf(args);
  let text: string;
  try {
    text = await shown(change, flags, screen());
  } catch (thrown) {
    // A status other than 0 would make git end its whole diff here.
    text = failure(thrown, change);
  }
  await emit(`${printable(header(change))}\n${text}\n`);
}

export function register(program: Command): void {
  program
    .command('git-diff-driver')
    .description('show what a change to a profile means in git diff')
    .argument('<argument...>', 'what git hands over: path, old-file old-hex old-mode, new-…')
    .option('--without-base', 'read a SeccompProfile without the base profile that it names')
    // A path may begin with a hyphen.
    .allowUnknownOption()
    .addHelpText('after', SETUP)
    .action(run);
}
