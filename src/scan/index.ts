/** The executables and libraries of a container's file system, read by the scanner. */
export { ProgramScanner, type ScannedModule, type ScannedProgram } from './program';
export { scannerPath } from './scanner';
export { UNPACKED, withUnpacked } from './unpack';
