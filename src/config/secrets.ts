/** Which variables a config must not hold: it is committed. */

const SECRET =
  /(?:^|_)(?:PASS|PASSWD|PASSPHRASE|PWD|PW|AUTH|CREDENTIALS?|CREDS?|PRIVATE|KEY|KEYS|APIKEY|DSN)(?:_|$)|PASSWORD|SECRET|TOKEN/i;
/** user:password@ in a URL. */
const WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i;

/** Whether the name, or the value, of an environment variable looks like a secret. */
export function looksSecret(name: string, value: string): boolean {
  if (value === '') return false;
  return SECRET.test(name) || WITH_PASSWORD.test(value);
}
