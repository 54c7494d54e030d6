/** Which containers --all means, by what engines tell of them. */
import { ImageFilter } from '../../src/capture/wanted';
import type { ContainerSource, ListedContainer } from '../../src/engines';
import { lines } from '../../src/engines/source';

const container = (image: string, labels: Record<string, string> = {}): ListedContainer => ({
  id: 'ab'.repeat(32),
  name: 'a',
  image,
  labels,
});

/** An engine that knows images by their names, and counts how often it is asked. */
function engine(images: Record<string, string>) {
  const asked: string[] = [];
  const source = {
    engine: 'docker',
    imageId: async (reference: string) => {
      asked.push(reference);
      return Object.hasOwn(images, reference) ? (images[reference] ?? null) : null;
    },
  } as unknown as ContainerSource;
  return { source, asked, images };
}

describe('by image', () => {
  it('whatever name of it a container was made from', async () => {
    const { source } = engine({ web: '1', 'web:latest': '1', 'docker.io/web': '1', other: '2' });
    const filter = new ImageFilter(source, { kind: 'image', image: 'web' });
    await filter.check();
    expect(await filter.wants(container('web:latest'))).toBe(true);
    expect(await filter.wants(container('docker.io/web'))).toBe(true);
    expect(await filter.wants(container('other'))).toBe(false);
    expect(await filter.wants(container('gone'))).toBe(false);
    expect(filter.words).toBe('image web');
  });

  it('also what the name stands for later, and what it stood for at the start', async () => {
    const { source, images } = engine({ web: '1', old: '1', new: '2' });
    const filter = new ImageFilter(source, { kind: 'image', image: 'web' });
    await filter.check();
    images.web = '2';
    expect(await filter.wants(container('web'))).toBe(true);
    expect(await filter.wants(container('old'))).toBe(true);
    expect(await filter.wants(container('new'))).toBe(true);
  });

  it('asks once for many containers', async () => {
    const { source, asked } = engine({ web: '1', other: '2' });
    const filter = new ImageFilter(source, { kind: 'image', image: 'web' });
    await filter.check();
    await Promise.all(Array.from({ length: 50 }, () => filter.wants(container('other'))));
    expect(asked).toEqual(['web', 'other', 'web']);
  });

  it('refuses a name without an image', async () => {
    const filter = new ImageFilter(engine({}).source, { kind: 'image', image: 'wbe' });
    await expect(filter.check()).rejects.toMatchObject({
      kind: 'input',
      code: 'image-not-found',
      message: 'docker has no image wbe',
    });
  });
});

test('by label, with a value or with any', async () => {
  const { source } = engine({});
  const any = new ImageFilter(source, { kind: 'label', key: 'tier', value: null });
  const front = new ImageFilter(source, { kind: 'label', key: 'tier', value: 'front' });
  expect(await any.wants(container('a', { tier: 'back' }))).toBe(true);
  expect(await front.wants(container('a', { tier: 'back' }))).toBe(false);
  expect(await front.wants(container('a', { tier: 'front' }))).toBe(true);
  expect(await any.wants(container('a'))).toBe(false);
  expect(
    await new ImageFilter(source, { kind: 'label', key: 'toString', value: null }).wants(
      container('a'),
    ),
  ).toBe(false);
  expect(front.words).toBe('label tier=front');
});

test('lines come in pieces, and of one without an end the beginning', async () => {
  const chunks = async function* () {
    yield 'a\nb';
    yield Buffer.from('c\n\n');
    yield 'x'.repeat(2 << 20);
    yield 'tail\nd\n';
  };
  const read: string[] = [];
  for await (const line of lines(chunks())) read.push(line);
  expect(read.map((line) => line.length)).toEqual([1, 2, 1 << 20, 1]);
  expect(read.at(-1)).toBe('d');
});
