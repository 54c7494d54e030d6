/** A review as people or machines want to read it, one file for each format. No I/O. */
import type { Report } from '../review';
import type { Options } from './options';

export const FORMATS = ['terminal', 'markdown', 'json', 'sarif', 'github', 'html'] as const;
export type Format = (typeof FORMATS)[number];
export type { Options };

type Renderer = (report: Report, options: Options) => string;

/** Each is loaded when it is asked for: a diff on a terminal starts without the others. */
const RENDERERS: Readonly<Record<Format, () => Renderer>> = {
  terminal: () => (require('./terminal') as typeof import('./terminal')).terminal,
  markdown: () => (require('./markdown') as typeof import('./markdown')).markdown,
  json: () => (require('./json') as typeof import('./json')).json,
  sarif: () => (require('./sarif') as typeof import('./sarif')).sarif,
  github: () => (require('./github') as typeof import('./github')).github,
  html: () => (require('./html') as typeof import('./html')).html,
};

/** The whole document, ending with a line break; nothing in it that untrusted text could act by. */
export function render(report: Report, format: Format, options: Options): string {
  return RENDERERS[format]()(report, options);
}
