/** Flags that say where a profile is read: capabilities, kernel, machine. */
import { InvalidArgumentError } from 'commander';
import { ENGINE_CAPABILITIES } from '../tables';

export function items(text: string): string[] {
  const made = text.split(',').map((item) => item.trim());
  if (made.includes('')) throw new InvalidArgumentError('expected no empty name');
  return made;
}

export function someOf<Value extends string>(values: readonly Value[]): (text: string) => Value[] {
  return (text) =>
    items(text).map((item) => {
      const found = values.find((value) => value === item);
      if (found === undefined) throw new InvalidArgumentError(`Of ${values.join(', ')}.`);
      return found;
    });
}

export function capabilities(text: string): string[] {
  const names = items(text).flatMap((item): readonly string[] => {
    if (item === 'none') return [];
    if (item === 'default') return ENGINE_CAPABILITIES.docker;
    const name = item.toUpperCase().replace(/^(?!CAP_)/, 'CAP_');
    if (!/^CAP_[A-Z0-9_]+$/.test(name)) throw new InvalidArgumentError(`No capability: ${item}.`);
    return [name];
  });
  return [...new Set(names)];
}

export function kernel(text: string): string {
  if (!/^\d{1,3}\.\d{1,3}(?:\.|$|-)/.test(text)) {
    throw new InvalidArgumentError('A version such as 6.1.');
  }
  return text;
}
