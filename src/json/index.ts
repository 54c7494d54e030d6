/** Reading JSON strictly, with errors that say where and what was expected. No I/O. */
export { checkDocument, type JsonDocument, readDocument, refuseNewer } from './document';
export { type Issue, MAX_ISSUES } from './errors';
export { type JsonPath, locate, place, showPath } from './place';
export { readJson } from './read';
