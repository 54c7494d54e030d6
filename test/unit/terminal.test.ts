import fc from 'fast-check';
import { printable, styled, usesColour } from '../../src/cli/terminal';

test.each([
  ['nginx', 'nginx'],
  ['/srv/grüße/日本 🎉', '/srv/grüße/日本 🎉'],
  ['a\nb\r\tc', 'a\\u000ab\\u000d\\u0009c'],
  ['\u001b[2J', '\\u001b[2J'],
  ['\u007f', '\\u007f'],
  ['\u009b31m', '\\u009b31m'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
  ['\u2066x\u2069', '\\u2066x\\u2069'],
  ['a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
  ['\u2028', '\\u2028'],
  ['\ud800', '\\ud800'],
  ['x\udc00y', 'x\\udc00y'],
  ['\u{e0041}', '\\udb40\\udc41'],
  // Commands of GitHub's workflows, read from the log.
  ['a ##[error]b', 'a #\\u0023[error]b'],
  ['::error::a', '\\u003a:error::a'],
  [' \u3000::error::a', ' \u3000\\u003a:error::a'],
  ['a ::b', 'a ::b'],
])('%j is shown as %s', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('nothing unsafe is left in any text, and safe text is unchanged', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 60 });
  const command = /^\s*::|##\[/;
  const unsafe = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/u;
  fc.assert(
    fc.property(anything, fc.array(fc.nat(0xffff)), (text, units) => {
      for (const raw of [text, String.fromCharCode(...units)]) {
        expect(printable(raw)).not.toMatch(unsafe);
        if (!unsafe.test(raw) && !command.test(raw)) expect(printable(raw)).toBe(raw);
      }
    }),
    { numRuns: 500 },
  );
});

test('colour only on a terminal, and not against NO_COLOR', () => {
  expect(usesColour({ isTTY: true }, {})).toBe(true);
  expect(usesColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(usesColour({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
  expect(usesColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(usesColour({}, {})).toBe(false);
  expect(styled('x', 'red', {})).toBe('x');
});
