/** Reading and writing the files that users name. */
export { evidenceBeside, evidencePath } from './evidence-path';
export {
  checkDestination,
  decodeText,
  READ_LIMIT,
  readTextFile,
  sourceName,
  writeFileAtomic,
  writeFilesAtomic,
} from './files';
export { gitColours, readFromGit } from './git';
