/** The evidence beside a profile: where it lies, and its text. */
import { SysieveError } from '../errors';
import { readTextFile } from './files';

/** app.json → app.evidence.json; a SeccompProfile's is named alike. */
export function evidencePath(profilePath: string): string {
  return `${profilePath.replace(/\.(?:json|ya?ml)$/, '')}.evidence.json`;
}

/** null: there is none. */
export async function evidenceBeside(
  path: string,
): Promise<{ text: string; source: string } | null> {
  const source = evidencePath(path);
  try {
    return { text: await readTextFile(source), source };
  } catch (error) {
    if (error instanceof SysieveError && error.code === 'file-missing') return null;
    throw error;
  }
}
