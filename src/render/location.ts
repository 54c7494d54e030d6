/** Where a finding stands in the repository, for services that show it beside the code. */
import type { Finding, Report } from '../review';

export interface Location {
  /** As the user named it, without the revision in front of a path of `git show`. */
  readonly path: string;
  /** null: the line is not one of the file as it is now. */
  readonly line: number | null;
  readonly column: number | null;
}

/** `REV:path`, as git takes it: no colon or blank in a revision. Not a drive letter, not a URL. */
function withoutRevision(file: string): { path: string; revision: boolean } {
  const match = /^(?![A-Za-z]:[\\/])[^:\s\p{Cc}]*:([^/].*)$/su.exec(file);
  const path = (match?.[1] ?? file).replace(/^(\.\/)+(?=.)/, '');
  return { path, revision: match !== null };
}

/** null: the finding is not about a place in a file. */
export function locationOf({ place }: Finding, report: Report): Location | null {
  if (place === null) return null;
  const { path, revision } = withoutRevision(place.file);
  // An old revision's lines are not those of the file that is shown.
  if (revision && place.file === report.before) return { path, line: null, column: null };
  return { path, line: place.line, column: place.column };
}

/** What to point at when nothing better is known: the file judged, if findings stand in one. */
export function anyPath(report: Report): string {
  const files = report.findings.flatMap(({ place }) => (place === null ? [] : [place.file]));
  const file = files.includes(report.after) ? report.after : (files[0] ?? report.after);
  return files.length === 0 ? file : withoutRevision(file).path;
}
