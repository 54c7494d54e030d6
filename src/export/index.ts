/** Profiles in the formats of platforms and other tools. No I/O. */
export { EXPORT_FORMATS } from './formats';
export { checkLabel, nameOfFile } from './names';
export type {
  Compiler,
  Exported,
  ExportedFile,
  ExportFormat,
  ExportOptions,
  NamedProfile,
  Profiles,
} from './types';
