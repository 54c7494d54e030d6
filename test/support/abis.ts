/** What a test needs of the kernel that not every machine has. */
import { foreignAbis } from '../../src/capture/abis';

export const abis = foreignAbis();
if (abis.i386 === null) throw new Error('cannot tell whether this kernel runs 32-bit code');

const WHY = '(skipped: this kernel runs no 32-bit code)';

/** A test that runs 32-bit code: reported as skipped, with the reason, where the kernel has none. */
export function testOf32Bit(name: string, body: () => Promise<void>): void {
  if (abis.i386) test(name, body);
  else test.skip(`${name} ${WHY}`, body);
}
