/**
 * A matcher for jest (29 and 30) and for whatever has jest's `expect.extend`, such as vitest:
 * `toStayWithin`. Importing this module registers it with jest.
 *
 * @example
 * ```ts
 * import 'sysieve/jest';
 *
 * test('the report is made with what its profile permits', async () => {
 *   await expect(['node', 'report.js']).toStayWithin('profiles/report.json');
 * });
 *
 * test('so is what the server does', async () => {
 *   await expect(['node', 'server.js']).toStayWithin('profiles/web.json', {
 *     env: { ...process.env, PORT: '8080' },
 *     workload: async () => {
 *       await fetch('http://127.0.0.1:8080/');
 *     },
 *   });
 * });
 * ```
 *
 * @module jest
 * @packageDocumentation
 */
import type { Profile } from './api/profile';
import { type StayWithinOptions, stayWithin } from './api/stay-within';
import { SysieveError } from './errors';

export type {
  Action,
  Condition,
  Profile,
  ProfileArchitecture,
  ProfileFlag,
  Rule,
} from './api/profile';
export type { StayWithinOptions } from './api/stay-within';

/**
 * What a matcher tells jest.
 *
 * @public
 */
export interface MatcherResult {
  /** The command stayed within. */
  pass: boolean;
  /** What a failed expectation says. */
  message(): string;
}

/**
 * The matcher, with the types that its users see.
 *
 * @public
 */
export interface StayWithinMatchers {
  /**
   * The command (program and arguments, no shell) makes no call that the profile does not permit. It is run
   * for real, with the profile's filter in the kernel, in complain mode: calls outside are let through and
   * named, each with its arguments where these are known, how often, and by which executable. What the
   * profile answers ENOSYS by a rule, so that libc does without, is not outside. Needs Linux, libseccomp
   * and no privilege.
   *
   * Rejects, instead of failing, where there is nothing to judge by: no such command, a command that fails
   * or does not end in time, a profile that cannot be read.
   *
   * @param profile - A file with an OCI profile, or the profile.
   */
  toStayWithin(profile: string | Profile, options?: StayWithinOptions): Promise<void>;
}

/**
 * Of a matcher's `this`, what is used.
 *
 * @public
 */
export interface MatcherContext {
  /** The expectation is of `.not`. */
  isNot?: boolean;
}

/**
 * The matcher itself, for `expect.extend({ toStayWithin })` where there is no global `expect`.
 *
 * @param received - The command.
 * @throws A `SysieveError` where there is nothing to judge by.
 * @public
 */
export async function toStayWithin(
  this: MatcherContext | undefined,
  received: unknown,
  profile: string | Profile,
  options: StayWithinOptions = {},
): Promise<MatcherResult> {
  if (
    !Array.isArray(received) ||
    received.length === 0 ||
    !received.every((word): word is string => typeof word === 'string')
  ) {
    throw new TypeError("toStayWithin: a command is expected, e.g. expect(['node', 'server.js'])");
  }
  const seen = await stayWithin(received, profile, options).catch(tellAll);
  const { outside } = seen;
  const count = outside.length === 1 ? '1 call' : `${outside.length} calls`;
  const not = this?.isNot === true ? '.not' : '';
  const lines = [
    `expect(command)${not}.toStayWithin(profile)`,
    '',
    `Command: ${seen.command}`,
    `Profile: ${seen.profile}`,
    '',
    ...(outside.length === 0
      ? ['It made no call that the profile does not permit.']
      : [
          `It made ${count} that the profile does not permit:`,
          ...outside.map((one) => `  ${one}`),
        ]),
  ];
  return { pass: outside.length === 0, message: () => lines.join('\n') };
}

/** A test's report has the message alone. */
function tellAll(thrown: unknown): never {
  if (!(thrown instanceof SysieveError)) throw thrown;
  const { kind, code, message, reason, remedy } = thrown;
  throw new SysieveError(kind, code, [message, reason, remedy].filter(Boolean).join('\n'), {
    ...(reason === undefined ? {} : { cause: reason }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

interface Extensible {
  extend(matchers: object): void;
}

/** Jest hands out its `expect` under this name, wherever that package lies. */
const GLOBALS = '@jest/globals';

function expectHere(): Extensible | undefined {
  const { expect } = globalThis as { expect?: Extensible };
  if (typeof expect?.extend === 'function') return expect;
  try {
    return (require(GLOBALS) as { expect: Extensible }).expect;
  } catch {
    // Not in jest: the matcher is there to be registered by hand.
    return undefined;
  }
}

expectHere()?.extend({ toStayWithin });

declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: the parameters are those of @types/jest.
    interface Matchers<R, T = {}> extends StayWithinMatchers {}
  }
}

// biome-ignore lint/suspicious/noTsIgnore: an error where jest's types are not installed, and none here.
/** @ts-ignore Without jest's own types there is nothing to add to. */
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends StayWithinMatchers {}
}
