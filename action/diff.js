/** What the changed profiles permit that they did not before. */
const { existsSync, readFileSync } = require('node:fs');
const { posix } = require('node:path');
const { code } = require('./report.js');
const { Refusal, annotate, event, input, lines, oneOf, run, words } = require('./runner.js');

/** No profile was there before: what its application would have had without one. */
const NO_PROFILE = 'default:docker';

function git(...args) {
  const { status, stdout, missing } = run('git', [
    '--no-pager',
    '-c',
    'core.quotePath=off',
    ...args,
  ]);
  if (missing) throw new Refusal('git is not on the PATH');
  return { ok: status === 0, stdout };
}

const commitOf = (revision) => {
  const { ok, stdout } = git(
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  );
  return ok ? stdout.trim() : null;
};

/** The commit to compare with. */
function baseCommit() {
  const { pull_request: pull, before } = event();
  // Before the first push to a branch there is none.
  const pushed = /^0*$/.test(before ?? '') ? undefined : before;
  const named = input('base') || pull?.base?.sha || pushed;
  if (!named) throw new Refusal('base: this event has no base to compare with; name a revision');
  if (named.startsWith('-')) throw new Refusal(`base: ${JSON.stringify(named)} is no revision`);
  let base = commitOf(named);
  // actions/checkout fetches one commit alone. What FETCH_HEAD was before is another.
  if (base === null && git('fetch', '--quiet', '--no-tags', '--depth=1', 'origin', named).ok) {
    base = commitOf('FETCH_HEAD');
  }
  if (base === null) {
    throw new Refusal(`base: there is no commit ${JSON.stringify(named)} here or at origin`);
  }
  // What was merged into the base meanwhile is no change of this one.
  const { ok, stdout } = git('merge-base', base, 'HEAD');
  return ok ? stdout.trim() : base;
}

/** The profiles to compare, as git pathspecs. */
function pathspecs() {
  const named = lines('profiles');
  if (named.length > 0) return named;
  const config = input('config');
  if (!existsSync(config)) {
    throw new Refusal(`there is no ${JSON.stringify(config)}: name the config, or the profiles`);
  }
  let apps;
  try {
    ({ apps } = JSON.parse(readFileSync(config, 'utf8')));
  } catch (error) {
    throw new Refusal(`${config}: ${error.message}`);
  }
  const wanted = words('apps');
  const unknown = wanted.find((name) => !Object.hasOwn(apps ?? {}, name));
  if (unknown !== undefined) throw new Refusal(`${config} has no app ${JSON.stringify(unknown)}`);
  return Object.entries(apps ?? {})
    .filter(([name]) => wanted.length === 0 || wanted.includes(name))
    .map(([name, { profile }]) => {
      const path = posix.join(posix.dirname(config), profile ?? `profiles/${name}.json`);
      return `:(top,literal)${path}`;
    });
}

/** [before, after], null where there is none, of each profile that differs from the base. */
function changes(base) {
  const specs = pathspecs();
  if (specs.length === 0) return [];
  const args = [
    'diff',
    '--no-ext-diff',
    '--no-textconv',
    '--name-status',
    '-z',
    '--find-renames',
    base,
    '--',
  ];
  const { ok, stdout } = git(...args, ...specs);
  if (!ok) throw new Refusal('git cannot compare with the base');
  const fields = stdout.split('\0').slice(0, -1);
  const found = [];
  while (fields.length > 0) {
    const kind = fields.shift()[0];
    const path = fields.shift();
    if (kind === 'R' || kind === 'C') found.push([path, fields.shift()]);
    else found.push([kind === 'A' ? null : path, kind === 'D' ? null : path]);
  }
  // Evidence lies beside its profile, and wherever a pathspec is wide.
  return found.filter(([before, after]) => !(after ?? before).endsWith('.evidence.json'));
}

function compare(base, [before, after]) {
  if (after === null) {
    return {
      head: `${code(before)}: **removed**`,
      body: 'Nothing is known of what holds its application now.',
      verdict: 'widens',
      failed: input('fail-on') !== '',
    };
  }
  // A path that begins so is no name of a container.
  const sides = [before === null ? NO_PROFILE : `${base}:${before}`, `./${after}`];
  const json = run('sysieve', ['diff', '--format', 'json', '--', ...sides]);
  if (json.status !== 0) {
    const body = 'It could not be compared; the log says why.';
    return { head: `${code(after)}: **error**`, body, verdict: 'error', failed: true };
  }
  const { verdict } = JSON.parse(json.stdout);
  const threshold = input('fail-on') === '' ? [] : ['--fail-on', input('fail-on')];
  const text = run('sysieve', ['diff', '--format', 'markdown', ...threshold, '--', ...sides]);
  let since = '';
  if (before === null) since = ' (new, against the default of Docker)';
  else if (before !== after) since = ` (was ${code(before)})`;
  return {
    head: `${code(after)}: **${verdict}**${since}`,
    body: text.stdout.trim(),
    verdict: text.status === 0 || text.status === 1 ? verdict : 'error',
    failed: text.status !== 0,
  };
}

/** One verdict of all. */
function together(verdicts) {
  const has = (verdict) => verdicts.includes(verdict);
  if (has('error')) return 'error';
  if (has('mixed') || (has('widens') && has('narrows'))) return 'mixed';
  return ['widens', 'narrows', 'equivalent'].find(has) ?? 'identical';
}

function diff() {
  oneOf('fail-on', ['', 'widen', 'high', 'medium', 'any']);
  const base = baseCommit();
  const found = changes(base);
  const sections = found.map((change) => compare(base, change));
  const verdict = together(sections.map((one) => one.verdict));
  const failed = sections.filter((one) => one.failed).length;
  if (failed > 0) {
    annotate('error', `${failed} of ${found.length} changed profiles: see the report`);
  }
  const title = found.length === 0 ? 'sysieve: no profile was changed' : `sysieve: ${verdict}`;
  return { verdict, title, sections, failed: failed > 0 };
}

module.exports = { diff };
