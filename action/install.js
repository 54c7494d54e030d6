/** Installs sysieve for the steps that follow, or finds that it is there. */
const { existsSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { Refusal, act, appendTo, input, run } = require('./runner.js');

/** What npm is to install: a file or an https address, a version of the registry's; '': nothing. */
function wanted() {
  const [tarball, version] = [input('tarball'), input('version')];
  if (tarball !== '' && version !== '') throw new Refusal('tarball and version exclude each other');
  if (version !== '') {
    if (!/^[0-9A-Za-z][0-9A-Za-z.+-]*$/.test(version)) {
      throw new Refusal(`version: ${JSON.stringify(version)} is none`);
    }
    return `sysieve@${version}`;
  }
  if (tarball === '' || /^https:\/\/[^\s]+$/.test(tarball)) return tarball;
  if (!existsSync(tarball))
    throw new Refusal(`tarball: there is no file ${JSON.stringify(tarball)}`);
  return resolve(tarball);
}

act(() => {
  const what = wanted();
  if (what === '') {
    const { missing } = run('sysieve', ['--version']);
    if (!missing) return;
    throw new Refusal('sysieve is not on the PATH: give the action a tarball or a version');
  }
  const prefix = join(process.env.RUNNER_TEMP ?? '/tmp', 'sysieve');
  const args = ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', '--', what];
  const { status } = run('npm', args);
  if (status !== 0) throw new Refusal(`npm could not install ${what}`);
  appendTo('GITHUB_PATH', `${join(prefix, 'bin')}\n`);
});
