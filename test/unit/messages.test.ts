/** Every error that the sources make: one voice, a code of one meaning, and what to do next. */
import { allErrors, COMPUTED, type ErrorSite, ofDoctor } from '../support/messages';

const errors = allErrors();

/** `PLACE: text` of what breaks a rule: the list says where to look. */
function breaking(
  of: (error: ErrorSite) => readonly string[],
  holds: (text: string) => boolean,
): string[] {
  return errors.flatMap((error) =>
    of(error)
      .filter((text) => text !== COMPUTED && !holds(text))
      .map((text) => `${error.place}: ${text}`),
  );
}

test('the sources were read', () => {
  expect(errors.length).toBeGreaterThan(300);
  const whole = errors.filter(({ messages }) => !messages.includes(COMPUTED));
  expect(whole.length).toBeGreaterThan(0.9 * errors.length);
});

test('a code is of small words joined by hyphens', () => {
  const holds = (code: string) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(code.replaceAll(COMPUTED, 'x'));
  expect(breaking(({ codes }) => codes, holds)).toEqual([]);
});

test('a code is of one kind', () => {
  const kinds = new Map<string, Set<string>>();
  for (const error of errors) {
    // Where both are computed, which goes with which stands in the rows that they come from.
    if (error.kinds.length > 1 && error.codes.length > 1) continue;
    for (const code of error.codes) {
      if (code.includes(COMPUTED)) continue;
      const known = kinds.get(code) ?? new Set();
      for (const kind of error.kinds) if (kind !== COMPUTED) known.add(kind);
      kinds.set(code, known);
    }
  }
  const several = [...kinds].filter(([, of]) => of.size > 1).map(([code, of]) => [code, ...of]);
  expect(several).toEqual([]);
});

/** Names that have a capital wherever they stand. */
const NAME = /^(SCMP_|Docker\b|HTTP\b|DOCKER_HOST\b|CONTAINER_HOST\b|CONTAINER_RUNTIME_ENDPOINT\b)/;
const isPhrase = (text: string) => (/^[^A-Z]/.test(text) || NAME.test(text)) && !/[.!]$/.test(text);

test('a message begins small, and has no full stop', () => {
  expect(breaking(({ messages }) => messages, isPhrase)).toEqual([]);
});

test('so does a cause', () => {
  expect(breaking(({ causes }) => causes.filter((text) => text !== ''), isPhrase)).toEqual([]);
});

test('a remedy is a sentence, also that of a line of doctor', () => {
  const holds = (text: string) => /^[A-Z]/.test(text) && /[.?]$/.test(text);
  expect(breaking(({ remedies }) => remedies, holds)).toEqual([]);
  const ofLines = ofDoctor('remedy');
  expect(ofLines.length).toBeGreaterThan(5);
  expect(ofLines.filter((text) => !holds(text))).toEqual([]);
});

test('a command in a remedy stands in quotes, as it is to be typed', () => {
  const commands =
    'record|profile|stop|sessions|minimise|check|verify|diff|lint|doctor|schema|init';
  const bare = new RegExp(`(?<!')sysieve (${commands})\\b`);
  expect(
    breaking(
      ({ remedies }) => remedies,
      (text) => !bare.test(text),
    ),
  ).toEqual([]);
  expect(
    breaking(
      ({ remedies }) => remedies,
      (text) => !text.includes('`'),
    ),
  ).toEqual([]);
});

/** Input errors that say all in the message, by their code. */
const SAYS_ALL: Readonly<Record<string, string>> = {
  [`${COMPUTED}-syntax`]: 'the place, and what was expected there',
  'systemd-unit': 'the same',
  'import-refused': 'the same; where the way out is not plain, a remedy says it',
  'profile-none': 'there is no profile in the file that could be named',
};

test('what can be mended has a remedy', () => {
  // Of usage errors without one, main.ts names the help of the command; a defect is to be reported.
  const mended = ['system', 'incomplete', 'input', 'check'];
  const bare = errors.filter(
    ({ bare, kinds }) => bare && kinds.some((kind) => mended.includes(kind)),
  );
  const unexpected = bare.filter(({ codes }) => codes.some((code) => SAYS_ALL[code] === undefined));
  expect(unexpected.map(({ place, codes }) => `${place}: ${codes.join(', ')}`)).toEqual([]);
  // Each exception is still one.
  const excepted = new Set(bare.flatMap(({ codes }) => codes));
  expect(Object.keys(SAYS_ALL).filter((code) => !excepted.has(code))).toEqual([]);
});
