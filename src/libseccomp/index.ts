/**
 * Compiles a profile with libseccomp.so.2, the library the container runtimes compile theirs with,
 * into the program that runc would install. Everything is loaded on first use.
 */

export { type Compiled, type CompileOptions, compile, pseudoCode } from './compile';
export { complaining, notifyAll, traceAll } from './complain';
export { ACTIONS } from './constants';
export { evaluate } from './evaluate';
export { type KnownNames, knownNames } from './known-names';
export { nativeArchitecture, nativeNumber, resolve, version } from './names';
