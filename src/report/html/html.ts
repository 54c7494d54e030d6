/**
 * The one place where text becomes HTML. Whatever stands in `${}` of a template is escaped, unless it
 * was itself made by a template, so nothing can be forgotten; untrusted text reaches a page no other way.
 */
import { htmlText } from '../../render/html-text';

/** Made by `html` alone. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static template(strings: TemplateStringsArray, values: readonly Value[]): Html {
    return new Html(
      strings.reduce((made, string, at) => {
        // A value without quotes could end its attribute.
        if (string === undefined || (at < values.length && /=\s*$/.test(string))) {
          throw new Error('an attribute stands without quotes');
        }
        return made + string + (at < values.length ? textOf(values[at] as Value) : '');
      }, ''),
    );
  }

  /** Constants of the program: a style or a script, which know no escapes. */
  static constant(text: string): Html {
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

/** Nothing is shown for null and false. */
export type Value = string | number | Html | null | false | readonly Value[];

function textOf(value: Value): string {
  if (value === null || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return (value as readonly Value[]).map(textOf).join('');
  return htmlText(String(value));
}

export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return Html.template(strings, values);
}
