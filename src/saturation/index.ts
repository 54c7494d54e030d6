/** How much of a program's behaviour a recording shows, as far as runs tell. No I/O. */
export { type Estimate, estimate } from './estimate';
export { type RunSaturation, type Saturation, saturation } from './saturation';
export { saturationText } from './words';
