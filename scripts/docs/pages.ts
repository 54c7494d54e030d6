/** Every generated document, by its path in the repository. */
import { FIRST_STEPS } from '../../src/cli/examples';
import { wholeProgram } from '../../src/cli/program';
import { formatsPage } from './formats';
import { manualPage, programPage } from './manual';
import { pageOf } from './model';
import { referenceIndex, referencePage } from './reference';

/** Folders that hold nothing else, but for what is listed. */
export const FOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['docs/reference', ['environment.md']],
  ['docs/man', []],
]);

export async function documents(): Promise<Map<string, string>> {
  const program = await wholeProgram();
  const version = program.version() ?? '';
  const pages = program.commands.map(pageOf);
  const made = new Map<string, string>();
  made.set('docs/reference/README.md', referenceIndex(pages));
  made.set('docs/man/sysieve.1', programPage(pages, program.description(), FIRST_STEPS, version));
  made.set('docs/reference/formats.md', formatsPage());
  for (const page of pages) {
    made.set(`docs/reference/${page.name}.md`, referencePage(page));
    made.set(`docs/man/sysieve-${page.name}.1`, manualPage(page, version));
  }
  return made;
}
