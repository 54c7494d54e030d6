/** Reading and writing the files that users name. */
export { checkDestination, readTextFile, sourceName, writeFileAtomic } from './files';
export { gitColours, readFromGit } from './git';
