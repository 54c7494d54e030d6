/**
 * What is wrong in a document of this repository: dead links, commands and flags that there are not,
 * scripts and paths that are gone. docs.test.ts reads every document with it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import type { Command } from 'commander';
import { objection, sysieveCommands } from './command-lines';

const ROOT = resolve(__dirname, '../..');

/** What documents are held to. */
export interface World {
  program: Command;
  scripts: readonly string[];
}

export interface Part {
  line: number;
  text: string;
}

interface Parts {
  /** Fenced blocks, with the line of their first line; language '' where none is named. */
  blocks: (Part & { language: string })[];
  /** `inline code`, which may go over a line's end. */
  spans: Part[];
  /** The text with all code blanked, and the same number of lines. */
  prose: string;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

export function partsOf(text: string): Parts {
  const blocks: Parts['blocks'] = [];
  const spans: Part[] = [];
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const withoutBlocks = text.replace(
    /^([ \t]*)(`{3,}|~{3,})([^\n`]*)\n([\s\S]*?)(?:^[ \t]*\2[`~]*[ \t]*$|(?![\s\S]))/gm,
    (whole, _indent, _fence, language: string, body: string, offset: number) => {
      const first = lineAt(offset) + 1;
      blocks.push({ line: first, text: body, language: language.trim().split(/\s/)[0] ?? '' });
      return blank(whole);
    },
  );
  const prose = withoutBlocks.replace(
    /(?<!`)(`+)(?!`)((?:(?!\n[ \t]*\n)[\s\S])*?[^`])\1(?!`)/g,
    (whole, _ticks, body: string, offset: number) => {
      spans.push({ line: lineAt(offset), text: body.replace(/\s*\n\s*/g, ' ').trim() });
      // Kept as long as it was, so that a link around it stays one.
      return blank(whole).replace(/ /g, '`');
    },
  );
  return { blocks, spans, prose };
}

const anchors = new Map<string, Set<string>>();

/** As GitHub makes ids of headings. */
export function anchorsOf(text: string): Set<string> {
  const made = anchors.get(text) ?? makeAnchors(text);
  anchors.set(text, made);
  return made;
}

function makeAnchors(text: string): Set<string> {
  const blanked = partsOf(text);
  const made = new Set<string>();
  const lines = text.split('\n');
  const proseLines = blanked.prose.split('\n');
  for (const [at, line] of lines.entries()) {
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
    // Within a block of code it is a comment.
    if (heading === undefined || !/^ {0,3}#/.test(proseLines[at] ?? '')) continue;
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[`*]|<[^>]*>/g, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let id = slug;
    for (let n = 1; made.has(id); n++) id = `${slug}-${n}`;
    made.add(id);
  }
  for (const [, id] of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) if (id) made.add(id);
  return made;
}

interface Link extends Part {
  target: string;
}

export function linksOf(text: string): Link[] {
  const { prose } = partsOf(text);
  const patterns = [
    /\]\(\s*<?([^\s)>]*)>?(?:\s+"[^"]*")?\s*\)/g,
    /^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm,
    /<(?:a|img)\s[^>]*?(?:href|src)="([^"]*)"/g,
    /<(https?:[^>\s]*)>/g,
  ];
  return patterns.flatMap((pattern) =>
    [...prose.matchAll(pattern)].map((match) => {
      const target = match[1] ?? '';
      const line = prose.slice(0, match.index).split('\n').length;
      return { line, target, text: match[0].replaceAll('\n', ' ') };
    }),
  );
}

/** Hosts that documents may refer to. A new one is added here: a slip of the pen is none of them. */
const HOSTS =
  /(?:^|\.)(?:github\.com|github\.io|kernel\.org|man7\.org|lwn\.net|docker\.com|podman\.io|kubernetes\.io|k8s\.io|openshift\.com|redhat\.com|opencontainers\.org|containerd\.io|cri-o\.io|nodejs\.org|npmjs\.com|nist\.gov|cve\.org|mitre\.org|debian\.org|ubuntu\.com|json-schema\.org|schemastore\.org|no-color\.org|freedesktop\.org|oasis-open\.org|w3\.org|git-scm\.com|libbpf\.org|ebpf\.io|coreos\.com|fedoraproject\.org|wikipedia\.org|doi\.org|rust-lang\.org|golang\.org|go\.dev|semver\.org|keepachangelog\.com|spdx\.org|apache\.org|inspektor-gadget\.io|googlesource\.com|google\.github\.io|gvisor\.dev|microsoft\.com|visualstudio\.com|pre-commit\.com|typescriptlang\.org|jestjs\.io|typedoc\.org|api-extractor\.com)$/;

function externalProblem(target: string): string | null {
  let url: URL;
  try {
    url = new URL(target);
  } catch {
    return 'is no address';
  }
  if (url.protocol === 'mailto:') return null;
  if (url.protocol !== 'https:') return `is ${url.protocol} and not https:`;
  return HOSTS.test(url.hostname)
    ? null
    : `is on ${url.hostname}, which test/support/documents.ts does not list`;
}

function linkProblem(file: string, text: string, target: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target) || target.startsWith('//'))
    return externalProblem(target);
  const [path = '', anchor] = target.split('#') as [string, string?];
  let pointed: string;
  try {
    pointed = path === '' ? file : normalize(join(dirname(file), decodeURI(path)));
  } catch {
    return 'is no address';
  }
  if (pointed.startsWith('..')) return 'leads out of the repository';
  if (path !== '' && !existsSync(join(ROOT, pointed)))
    return `leads to ${pointed}, which is not there`;
  if (anchor === undefined) return null;
  if (!pointed.endsWith('.md')) return null;
  const there = anchorsOf(path === '' ? text : readFileSync(join(ROOT, pointed), 'utf8'));
  if (there.has(anchor)) return null;
  return `names no heading of ${pointed}; there: ${nearest(anchor, [...there]).join(', ') || 'none'}`;
}

/** Those that share a word with it, or all where few. */
function nearest(wanted: string, all: readonly string[]): string[] {
  const words = wanted.split('-').filter((word) => word.length > 3);
  const near = all.filter((one) => words.some((word) => one.includes(word)));
  return (near.length > 0 ? near : all).slice(0, 5);
}

/** Folders of which a path in backticks must exist; others may be the reader's own. */
const OURS = /^(?:src|docs|scripts|test|native|bench|fixtures)\/[\w./*{},@+-]*$/;

function braced(path: string): string[] {
  const found = /\{([^{}]*,[^{}]*)\}/.exec(path);
  if (found === null) return [path];
  return (found[1] ?? '').split(',').flatMap((one) => braced(path.replace(found[0], one)));
}

function matches(path: string): boolean {
  const directory = join(ROOT, dirname(path));
  if (path.includes('*')) {
    if (dirname(path).includes('*')) return true;
    const pattern = (path.split('/').pop() ?? '')
      .split('*')
      .map((part) => part.replace(/[.+]/g, '\\$&'))
      .join('.*');
    return (
      existsSync(directory) &&
      readdirSync(directory).some((name) => new RegExp(`^${pattern}$`).test(name))
    );
  }
  if (existsSync(join(ROOT, path))) return true;
  // `native/bpf/group_table` is a header and a source.
  const name = path.split('/').pop() ?? '';
  return existsSync(directory) && readdirSync(directory).some((one) => one.startsWith(`${name}.`));
}

function pathProblem(span: string): string | null {
  const path = span.replace(/:\d+(?:-\d+)?$/, '').replace(/\/$/, '');
  if (!OURS.test(path)) return null;
  // Those stand for others.
  if (/\b(?:NAME|COMMAND|APP|FILE|ID|VERSION)\b/.test(path)) return null;
  const gone = braced(path).filter((one) => !matches(one));
  return gone.length === 0 ? null : `there is no ${gone.join(', ')}`;
}

let printed: string | undefined;

/** What sysieve prints, quoted: its words stand in a source. */
function isMessage(span: string): boolean {
  printed ??= readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'cli/examples.ts')
    .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8').replaceAll("\\'", "'"))
    .join('\n');
  return (
    /^sysieve [a-z]+ [a-z]/.test(span) &&
    ['"', "'", '`'].some((quote) => printed?.includes(`${quote}${span}`))
  );
}

/** Without the brackets of what may be left out, and of [A|B] each. */
function usage(text: string): string {
  return text
    .replace(/(^|\s)\[(?=\S)/g, '$1')
    .replace(/\](?=\s|$|…|\.\.\.)/g, '')
    .replace(/(\s--?[\w-]+)\|(?=--?\w)/g, '$1 ');
}

const SHELL = /^(?:|sh|bash|shell|console|zsh|fish|yaml|yml)$/;

/** One line for each finding: FILE:LINE: what, and what it is about. */
export function documentFindings(file: string, text: string, world: World): string[] {
  const { blocks, spans } = partsOf(text);
  const found: { line: number; what: string }[] = [];
  const add = (line: number, what: string): void => {
    found.push({ line, what });
  };

  for (const { line, target } of linksOf(text)) {
    const problem = linkProblem(file, text, target);
    if (problem !== null) add(line, `the link (${target}) ${problem}`);
  }

  const commands = (line: number, part: string, partial: boolean): void => {
    for (const words of sysieveCommands(part)) {
      const problem = objection(world.program, words, partial);
      if (problem !== null) add(line, `\`sysieve ${words.join(' ')}\`: ${problem}`);
    }
  };
  for (const { line, text: body, language } of blocks) {
    if (!SHELL.test(language)) continue;
    const joined = body.replace(/\\\n/g, '\\\u0000');
    for (const [at, one] of joined.split('\n').entries()) {
      const before = joined.split('\n').slice(0, at).join('\n').split('\u0000').length - 1;
      commands(line + at + before, one.replaceAll('\u0000', '\n'), false);
    }
  }
  for (const { line, text: span } of spans) {
    if (span.startsWith('sysieve ') && !isMessage(span)) commands(line, usage(span), true);
    const problem = pathProblem(span);
    if (problem !== null) add(line, `\`${span}\`: ${problem}`);
  }

  for (const { line, text: body } of [...blocks, ...spans]) {
    for (const match of body.matchAll(/\bnpm run ([\w:-]+)/g)) {
      const at = line + body.slice(0, match.index).split('\n').length - 1;
      if (!world.scripts.includes(match[1] ?? '')) {
        add(at, `\`${match[0]}\`: package.json has no such script`);
      }
    }
  }
  return found.sort((a, b) => a.line - b.line).map(({ line, what }) => `${file}:${line}: ${what}`);
}
