/** What a change of a profile permits and refuses, exactly. No I/O. */
export type { FilterSide, Live, Places, ProfileSide, Side, UnfilteredSide } from './side';
