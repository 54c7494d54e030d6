/** The parts of the page below the summary. One that has nothing to say is left out. */
import type { Model } from '../types';
import type { Names } from './cells';
import { changes } from './changes';
import { leftOut, risks, rules } from './permitted';
import { completeness, denied, discovery } from './recorded';
import { list, type Section } from './tables';
import { calls, executables, phases } from './who';
import { cut } from './words';

function diffed({ diff }: Model): Section | null {
  if (diff === null) return null;
  return { id: 'changes', title: 'Changes from the other profile', content: changes(diff) };
}

function notes({ notes: all }: Model): Section | null {
  if (all.length === 0) return null;
  return { id: 'notes', title: 'Notes', content: list(all.map((note) => cut(note, 2000))) };
}

export function sections(model: Model, names: Names): Section[] {
  return [
    diffed(model),
    discovery(model),
    calls(model, names),
    executables(model),
    phases(model),
    rules(model, names),
    denied(model, names),
    leftOut(model),
    risks(model),
    completeness(model),
    notes(model),
  ].filter((section) => section !== null);
}
