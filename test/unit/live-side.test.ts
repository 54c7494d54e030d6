/** A container's side is of the process that is the container's before and after it was read. */
import { containerSide } from '../../src/cli/live-side';
import { findContainer, lookAgain } from '../../src/engines';
import type { ContainerInfo } from '../../src/engines/types';

jest.mock('../../src/capture/filter', () => ({ dumpFilters: () => [] }));
jest.mock('../../src/engines', () => ({
  findContainer: jest.fn(),
  lookAgain: jest.fn(),
  engineVersion: () => '29.0.0',
}));

const ID = 'a1'.repeat(32);
const info = {
  engine: 'docker',
  id: ID,
  name: 'web',
  pid: process.pid,
  startedAt: '2026-01-01T00:00:00Z',
  runtime: null,
} as ContainerInfo;

jest.mocked(findContainer).mockResolvedValue(info);
const again = jest.mocked(lookAgain);

test('the same process before and after', async () => {
  again.mockResolvedValueOnce(info);
  const side = await containerSide('container:web', 'web', 'auto');
  expect(side).toMatchObject({ label: 'container:web', live: { engine: { name: 'docker' } } });
  // What was found, and not its name: that may be another container's by now.
  expect(again).toHaveBeenLastCalledWith(info);
});

test.each([
  ['another process', { pid: process.ppid }],
  ['the same id after a restart', { startedAt: '2026-01-01T00:00:09Z' }],
  ['none', { pid: null }],
])('%s after it was read is refused', async (_, change) => {
  again.mockResolvedValueOnce({ ...info, ...change });
  await expect(containerSide('container:web', 'web', 'docker')).rejects.toMatchObject({
    code: 'container-changed',
    exitCode: 3,
  });
});
