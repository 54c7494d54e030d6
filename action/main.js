/** Checks, or compares, and says so: in the step's summary, in a comment, in outputs and the status. */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { diff } = require('./diff.js');
const { COMMENT_LIMIT, Forbidden, comment, markOf } = require('./github.js');
const { block, report } = require('./report.js');
const {
  Refusal,
  act,
  annotate,
  appendTo,
  event,
  input,
  lines,
  oneOf,
  output,
  print,
  run,
  words,
} = require('./runner.js');

/** GitHub takes 1 MiB as the summary of a step. */
const SUMMARY_LIMIT = 1 << 20;

function check() {
  const recordings = lines('recordings');
  const args = ['check', '--config', input('config'), '--format', 'terminal'];
  if (recordings.length > 0) args.push('--recording', ...recordings);
  const { status, stdout, missing } = run('sysieve', [...args, '--', ...words('apps')], {
    COLUMNS: '100',
  });
  if (missing) throw new Refusal('sysieve is not on the PATH');
  print(stdout);
  const verdict = { 0: 'passed', 1: 'failed' }[status] ?? 'error';
  if (verdict !== 'passed') annotate('error', `check: ${verdict}; see the report`);
  const body =
    stdout.trim() === '' ? 'The check ended without a report; the log says why.' : block(stdout);
  return {
    verdict,
    title: `sysieve check: ${verdict}`,
    sections: [{ head: 'Apps against their committed profiles:', body }],
    failed: verdict !== 'passed',
  };
}

/** Why no comment can be written, or null. */
function unwritable({ pull_request: pull }) {
  if (pull === undefined) return 'this event is no pull request';
  if (input('token') === '') return 'there is no token';
  const [head, base] = [pull.head?.repo?.full_name, pull.base?.repo?.full_name];
  // Of a fork the workflow's token can only read; pull_request_target's is the base's.
  if (head !== base && process.env.GITHUB_EVENT_NAME === 'pull_request') {
    return "it is a fork's pull request, whose token can only read";
  }
  return null;
}

async function say(mark, text) {
  const happened = event();
  const reason = unwritable(happened);
  if (reason !== null) {
    annotate('notice', `no comment: ${reason}; the report is in the summary of the step`);
    return;
  }
  const github = {
    api: process.env.GITHUB_API_URL ?? 'https://api.github.com',
    repository: process.env.GITHUB_REPOSITORY,
    token: input('token'),
  };
  try {
    const done = await comment(github, happened.pull_request.number, mark, text);
    print(`comment ${done}`);
  } catch (error) {
    const remedy =
      error instanceof Forbidden ? '; give the job `permissions: pull-requests: write`' : '';
    annotate('warning', `no comment: ${error.message}${remedy}`);
  }
}

act(async () => {
  const command = oneOf('command', ['check', 'diff']);
  const wanted = oneOf('comment', ['true', 'false']) === 'true';
  let done;
  try {
    done = command === 'diff' ? diff() : check();
  } catch (error) {
    output('verdict', 'error');
    throw error;
  }
  const { verdict, title, sections, failed } = done;
  const file = join(process.env.RUNNER_TEMP ?? '/tmp', `sysieve-${command}.md`);
  writeFileSync(file, report(title, sections, Number.MAX_SAFE_INTEGER));
  output('verdict', verdict);
  output('report', file);
  appendTo('GITHUB_STEP_SUMMARY', report(title, sections, SUMMARY_LIMIT));
  const mark = markOf([command, input('config'), input('apps'), input('profiles')]);
  if (wanted) await say(mark, report(title, sections, COMMENT_LIMIT - mark.length - 1));
  if (failed) process.exitCode = 1;
});
