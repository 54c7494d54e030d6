/** A report as one HTML page: what it says (model), and how it looks (html). No I/O. */
export { page } from './html/page';
export { type Input, reportOf } from './model';
export type { Model } from './types';
