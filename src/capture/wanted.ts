/** Which containers --all means: those of one image, whatever its name, or with one label. */
import type { ContainerSource, ListedContainer } from '../engines';
import { SysieveError } from '../errors';

export type Wanted =
  | { kind: 'image'; image: string }
  /** `value` null: whatever it is. */
  | { kind: 'label'; key: string; value: string | null };

/** Tags move, so an answer is good for a while only. */
const FRESH_MS = 5_000;

export class ImageFilter {
  private readonly answers = new Map<string, { atMs: number; id: Promise<string | null> }>();
  private first: string | null = null;
  /** For people. */
  readonly words: string;

  constructor(
    private readonly source: ContainerSource,
    private readonly wanted: Wanted,
  ) {
    const value = wanted.kind === 'label' && wanted.value !== null ? `=${wanted.value}` : '';
    this.words = wanted.kind === 'image' ? `image ${wanted.image}` : `label ${wanted.key}${value}`;
  }

  /** Throws where there is no such image: a name with a slip in it would record nothing. */
  async check(): Promise<void> {
    if (this.wanted.kind === 'label') return;
    const { image } = this.wanted;
    this.first = await this.source.imageId(image);
    if (this.first !== null) return;
    throw new SysieveError(
      'input',
      'image-not-found',
      `${this.source.engine} has no image ${image}`,
      {
        remedy: `Pull or build it first, or name one that '${this.source.engine} images' lists.`,
      },
    );
  }

  /** Throws a SysieveError where the engine does not answer. */
  async wants(container: ListedContainer): Promise<boolean> {
    if (this.wanted.kind === 'label') {
      const { key, value } = this.wanted;
      if (!Object.hasOwn(container.labels, key)) return false;
      return value === null || container.labels[key] === value;
    }
    const { image } = this.wanted;
    if (container.image === image) return true;
    const id = await this.idOf(container.image);
    return id !== null && (id === this.first || id === (await this.idOf(image)));
  }

  private idOf(reference: string): Promise<string | null> {
    const known = this.answers.get(reference);
    if (known !== undefined && Date.now() - known.atMs < FRESH_MS) return known.id;
    const id = this.source.imageId(reference);
    id.catch(() => this.answers.delete(reference));
    this.answers.set(reference, { atMs: Date.now(), id });
    return id;
  }
}
