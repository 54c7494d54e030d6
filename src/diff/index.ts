/** What a change of a profile permits and refuses, exactly. No I/O. */
export {
  DEFAULT_CAPABILITIES,
  RUNTIMES,
  type RuntimeName,
} from './contexts';
export { type DiffOptions, diff } from './diff';
export type { FilterSide, Live, Places, ProfileSide, Side, UnfilteredSide } from './side';
