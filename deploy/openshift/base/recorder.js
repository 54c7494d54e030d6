/**
 * Runs `sysieve record` in a pod, and keeps what it wrote until it was fetched: nobody can read the
 * files of a container that has ended.
 *
 *   node recorder.js record OPTIONS…   the container itself; OPTIONS are those of `sysieve record`
 *   node recorder.js stop              ends the recording, which is written then
 *   node recorder.js get               prints what was recorded, as one recording
 *   node recorder.js release           lets the container of a Job end
 *
 * The last three are for `oc exec`. They need no shell and no tar in the image.
 */
const { spawn, spawnSync } = require('node:child_process');
const { createReadStream, existsSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const FOLDER = process.env.RECORDINGS ?? '/recordings';
const NODE = process.env.NODE_NAME ?? 'node';
/** Begins anew after each recording, and waits for a pod that is not on this node. */
const REPEAT = process.env.REPEAT === 'true';
const KEEP_MS = Number(process.env.KEEP_MINUTES ?? 60) * 60_000;
const LOOK_MS = 500;
/** For a pod that is not here: asking takes a process each time. */
const ABSENT_MS = 3000;
/** Exit statuses of sysieve. */
const INPUT = 3;

const STOP = join(FOLDER, 'stop');
const RELEASE = join(FOLDER, 'release');
const say = (text) => process.stderr.write(`recorder: ${text}\n`);

let ended = false;
let child = null;
function end() {
  if (ended) return;
  ended = true;
  child?.kill('SIGINT');
}

/** Resolves with the status and what was said; a message that was said already is not repeated. */
function record(options, file, before) {
  return new Promise((resolve) => {
    let said = '';
    child = spawn('sysieve', ['record', ...options, '-o', file], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (!before.startsWith(said)) process.stderr.write(text);
    });
    child.once('error', (error) => resolve({ status: 127, said: String(error) }));
    child.once('close', (status) => resolve({ status, said }));
  });
}

/** One of a DaemonSet would be started again, so that it stays until it is told to end. */
async function keep() {
  const late = Date.now() + KEEP_MS;
  ended = false;
  while (!ended && (REPEAT || (!existsSync(RELEASE) && Date.now() < late))) await sleep(LOOK_MS);
}

/** Those of a container that was here before included. */
const recordings = () => readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

async function main(options) {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end);
  const look = setInterval(() => existsSync(STOP) && end(), LOOK_MS);
  let [status, said] = [0, ''];
  while (!ended) {
    const file = join(FOLDER, `${NODE}-${recordings().length + 1}.json`);
    ({ status, said } = await record(options, file, said));
    if (existsSync(file)) {
      say(`recorded ${file}`);
      said = '';
    } else if (REPEAT && status === INPUT) await sleep(ABSENT_MS);
    else break;
    if (!REPEAT) break;
  }
  clearInterval(look);
  if (recordings().length > 0 || existsSync(STOP)) {
    say('what was recorded is kept: `get` prints it');
    await keep();
  }
  process.exitCode = status;
}

function get() {
  const files = recordings().map((name) => join(FOLDER, name));
  if (files.length === 0) {
    say('nothing is recorded yet; `stop` ends the recording that runs');
    process.exitCode = 1;
  } else if (files.length === 1) {
    createReadStream(files[0]).pipe(process.stdout);
  } else {
    const merged = spawnSync('sysieve', ['merge', ...files, '-o', '-'], { stdio: 'inherit' });
    process.exitCode = merged.status ?? 1;
  }
}

const [command, ...options] = process.argv.slice(2);
if (command === 'record') void main(options);
else if (command === 'get') get();
else if (command === 'stop') writeFileSync(STOP, '');
else if (command === 'release') writeFileSync(RELEASE, '');
else {
  say('one of record, stop, get, release');
  process.exitCode = 2;
}
