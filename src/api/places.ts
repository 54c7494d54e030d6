/** Where the values of a document stand in its file. */
import type { Places } from '../diff';
import { type JsonDocument, type JsonPath, linesOf, offsetsIn } from '../json';

/** Built when the first place is asked for. `pathIn`: to where a path of the profile is in the document. */
export function placesIn(
  { finder, source: file, text }: JsonDocument,
  pathIn: (path: JsonPath) => JsonPath = (path) => path,
): Places {
  let offsets: ((path: JsonPath) => number) | undefined;
  let lines: ReturnType<typeof linesOf> | undefined;
  return (path) => {
    offsets ??= finder === undefined ? offsetsIn(text) : (at) => finder.find(at).offset;
    lines ??= linesOf(text);
    return { file, ...lines(offsets(pathIn(path))) };
  };
}
