/** What a step of GitHub Actions is given, and how it answers. No package is needed. */
const { spawnSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const { appendFileSync, readFileSync } = require('node:fs');

/** An error of the user's, told without a stack. */
class Refusal extends Error {}

/** The value of an input, without space around it. */
function input(name) {
  return (process.env[`INPUT_${name.toUpperCase().replaceAll('-', '_')}`] ?? '').trim();
}

function oneOf(name, choices) {
  const value = input(name);
  if (choices.includes(value)) return value;
  throw new Refusal(
    `${name}: one of ${choices.map((c) => c || '(empty)').join(', ')}, not ${JSON.stringify(value)}`,
  );
}

const words = (name) => input(name).split(/\s+/).filter(Boolean);
const lines = (name) =>
  input(name)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

function event() {
  const path = process.env.GITHUB_EVENT_PATH;
  return path ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** Of a workflow command: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
const escaped = (text) =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** An annotation: notice, warning or error. */
function annotate(level, text) {
  process.stdout.write(`::${level} title=sysieve::${escaped(text)}\n`);
}

/** Prints what others wrote. Lines in it that look like workflow commands are none. */
function print(text) {
  if (text === '') return;
  const mark = randomUUID();
  process.stdout.write(`::stop-commands::${mark}\n${text.replace(/\n?$/, '\n')}::${mark}::\n`);
}

function appendTo(variable, text) {
  const path = process.env[variable];
  if (path) appendFileSync(path, text);
}

function output(name, value) {
  if (/[\r\n]/.test(value)) throw new Error(`the output ${name} has more than one line`);
  appendTo('GITHUB_OUTPUT', `${name}=${value}\n`);
}

/** The environment without the inputs, the token among them. */
function environment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('INPUT_')),
  );
}

/** Runs a command; what it says on standard error is printed. */
function run(command, args, more = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...environment(), NO_COLOR: '1', ...more },
    maxBuffer: 256 << 20,
  });
  if (error?.code === 'ENOENT') return { status: null, stdout: '', missing: true };
  print(stderr ?? '');
  if (error) throw new Refusal(`${command} could not be run: ${error.message}`);
  return { status: signal === null ? status : null, stdout, missing: false };
}

/** Runs the action; whatever it throws fails the step. */
async function act(body) {
  try {
    await body();
  } catch (error) {
    annotate('error', error instanceof Refusal ? error.message : String(error?.stack ?? error));
    process.exitCode = 1;
  }
}

module.exports = {
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
};
