/** What a call does, what a profile makes of it, and what would follow if it were denied. No I/O. */
export { type ExplainOptions, type Explanation, explainCall } from './explain';
export type { Subject } from './filters';
export { explanationLines, type Told, told } from './text';
