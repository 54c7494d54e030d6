/** Answers and calls in the words of findings. */
import type { Answer, Call } from '../policy';
import { abiOfCall, syscallName, X32_BIT } from '../tables';

export function answerText({ action, data }: Answer): string {
  return action === 'errno' ? `errno ${data}` : action;
}

export function nameOf({ arch, nr }: Call): string | null {
  const abi = abiOfCall(arch, nr);
  return abi === null ? null : syscallName(abi, abi === 'x32' ? nr & ~X32_BIT : nr);
}

/** "x86_64 socket(0x10, 0x3)" */
export function callText(call: Call): string {
  const abi = abiOfCall(call.arch, call.nr);
  const where = abi ?? `architecture 0x${call.arch.toString(16)}`;
  const args = [...(call.args ?? [])];
  while (args.length > 0 && args.at(-1) === 0n) args.pop();
  const shown = args.map((value) => `0x${value.toString(16)}`).join(', ');
  return `${where} ${nameOf(call) ?? `#${call.nr}`}(${shown})`;
}
