/** Reading and writing the files that users name. */
export { checkDestination, READ_LIMIT, readTextFile, sourceName, writeFileAtomic } from './files';
