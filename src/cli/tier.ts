/**
 * Most commands end within a moment, and V8 spent a quarter of it on optimising functions that were
 * hardly called again. So it waits longer before it does; docs/adr/0020. Imported first, for its
 * effect. Only where it was measured: Node 20's V8. Another may not know the flag, and says so.
 */
import { setFlagsFromString } from 'node:v8';

if (process.versions.v8.startsWith('11.3.')) setFlagsFromString('--interrupt-budget=1000000');
