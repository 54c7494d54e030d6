/**
 * Stored recordings as a tracer that needs no privilege: read back, each is still what its fixture
 * said, the same bytes, and the same profile; so is the union, whatever the order.
 */
import { mergeRecordings, parseRecording, serializeRecording } from '../../src/recording';
import { differences, FIXTURES, readRecorded } from '../support/fixtures';
import { profileOf, REPLAYED, stored } from '../support/replay';
import { declared, TRACERS } from '../support/tracers';

const read = (name: string) => parseRecording(stored(name, 'recording'), name);

describe.each(REPLAYED)('the recording of %s', (name) => {
  const fixture = FIXTURES.find((row) => row.name === name);
  const [tracer] = TRACERS;
  if (fixture === undefined || tracer === undefined) throw new Error(`no fixture ${name}`);

  it('is what the fixture said', () => {
    const { expectation, seen, run } = readRecorded(
      stored(name, 'recording'),
      stored(name, 'said'),
    );
    expect(expectation.program).toBe(name);
    expect(differences(expectation, seen)).toEqual([]);
    const blindSpots = declared(tracer, fixture);
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, blindSpots });
  });

  it('is written as the same bytes', () => {
    expect(serializeRecording(read(name))).toBe(stored(name, 'recording'));
  });

  it('makes the same profile, alone and merged with itself', () => {
    expect(profileOf(read(name))).toBe(stored(name, 'profile'));
    const twice = mergeRecordings([read(name), read(name)]);
    expect(serializeRecording(twice)).toBe(stored(name, 'recording'));
  });
});

it('their union is the same in any order, and so is its profile', () => {
  const union = (names: readonly string[]) => mergeRecordings(names.map(read));
  const forth = union(REPLAYED);
  const back = union([...REPLAYED].reverse());
  expect(forth.runs).toHaveLength(REPLAYED.length);
  expect(serializeRecording(back)).toBe(serializeRecording(forth));
  expect(profileOf(forth)).toBe(profileOf(...REPLAYED.map(read)));
});
