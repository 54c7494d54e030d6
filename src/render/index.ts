/**
 * A review as people or machines want to read it, one file for each format. No I/O. Nothing here
 * loads ../review as a whole, which reads waivers and so needs zod.
 */
import type { Report } from '../review';
import type { Options } from './options';

export const FORMATS = ['terminal', 'markdown', 'json', 'sarif', 'github', 'html'] as const;
export type Format = (typeof FORMATS)[number];
export type { Options };

type Renderer = (report: Report, options: Options) => string;

/** Each is loaded when it is asked for: a diff on a terminal starts without the others. */
const RENDERERS: Readonly<Record<Format, () => Renderer>> = {
  terminal: () => {
    const { terminal }: typeof import('./terminal') = require('./terminal');
    return terminal;
  },
  markdown: () => {
    const { markdown }: typeof import('./markdown') = require('./markdown');
    return markdown;
  },
  json: () => {
    const { json }: typeof import('./json') = require('./json');
    return json;
  },
  sarif: () => {
    const { sarif }: typeof import('./sarif') = require('./sarif');
    return sarif;
  },
  github: () => {
    const { github }: typeof import('./github') = require('./github');
    return github;
  },
  html: () => {
    const { html }: typeof import('./html') = require('./html');
    return html;
  },
};

/** The whole document, ending with a line break; nothing in it that untrusted text could act by. */
export function render(report: Report, format: Format, options: Options): string {
  return RENDERERS[format]()(report, options);
}
