/**
 * The isolation of a running process as lines, each with what it means, and the findings among them.
 * What src/capture/posture.ts read comes in. No I/O.
 */
export { inspect, reportOf } from './inspect';
export { PROTECTED } from './mounts';
export { postureText } from './text';
export {
  type CgroupFacts,
  type DeviceNode,
  type Line,
  NAMESPACES,
  type NamespaceFacts,
  type NamespaceName,
  type Neighbours,
  type ProcessFacts,
  type Read,
  type SeccompFacts,
  type Target,
} from './types';
