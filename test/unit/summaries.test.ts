import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ABIS,
  argumentMeaning,
  knownArguments,
  names,
  riskReason,
  riskTier,
  trackedArguments,
} from '../../src/tables';
import { parametersOf, summaryOf } from '../../src/tables/summaries';

const every = [...new Set(ABIS.flatMap((abi) => names(abi)))];

test('every call has one short sentence of its own', () => {
  expect(every.length).toBeGreaterThan(480);
  expect(every.filter((name) => summaryOf(name) === null)).toEqual([]);
  for (const name of every) {
    const summary = summaryOf(name) ?? '';
    expect([name, summary, summary.length <= 90]).toEqual([name, summary, true]);
    expect(summary).toMatch(/^[A-Z].*[^. ]\.$/);
    expect(summary).not.toContain('. ');
  }
  expect(summaryOf('no_such_call')).toBeNull();
  expect(summaryOf('constructor')).toBeNull();
});

test('second forms of a call for 32-bit ABIs say what is wider in them', () => {
  expect(summaryOf('getuid32')).toBe('Reads the real user id (32-bit ids).');
  expect(summaryOf('clock_gettime64')).toBe('Reads a clock (64-bit times).');
  expect(summaryOf('fstatat64')).toMatch(/beneath a directory descriptor \(64-bit sizes\)\.$/);
  expect(summaryOf('pread64')).not.toMatch(/64-bit/);
});

test('parameters are named as the meanings of arguments name them', () => {
  expect(parametersOf('socket')).toEqual(['domain', 'type', 'protocol']);
  expect(parametersOf('getpid')).toEqual([]);
  expect(parametersOf('vserver')).toBeNull();
  expect(parametersOf('no_such_call')).toBeNull();
  for (const name of every) expect(parametersOf(name)?.length ?? 0).toBeLessThanOrEqual(6);
  for (const [name, index] of knownArguments()) {
    const parameter = argumentMeaning(name, index)?.parameter;
    expect([name, index, parametersOf(name)?.[index]]).toEqual([name, index, parameter]);
  }
  for (const name of every) {
    for (const { index } of trackedArguments('x86_64', name) ?? []) {
      expect([name, parametersOf(name)?.[index]]).toEqual([name, expect.any(String)]);
    }
  }
});

test('what has a risk tier has a reason, and nothing else has', () => {
  for (const name of [...every, 'constructor', 'no_such_call']) {
    expect([name, riskReason(name) === null]).toEqual([name, riskTier(name) === null]);
  }
  expect(every.filter((name) => riskTier(name) === 1).length).toBe(9);
  expect(riskReason('ptrace')).toBe('reads and writes the memory of other processes');
});

test('no other table brings the sentences along', () => {
  const text = readFileSync(join(__dirname, '../../src/tables/index.ts'), 'utf8');
  expect(text).not.toContain('summaries');
});
