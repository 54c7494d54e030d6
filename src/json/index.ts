/** Reading JSON strictly, with errors that say where and what was expected. No I/O. */
export { checkDocument, type JsonDocument, readDocument } from './document';
export { type Issue, MAX_ISSUES, type Source } from './errors';
export {
  endOf,
  type JsonPath,
  type Located,
  linesOf,
  locate,
  offsetsIn,
  place,
  showPath,
} from './place';
export { readJson } from './read';
export { isNewer, migrate, upToDate, type Versions } from './versions';
