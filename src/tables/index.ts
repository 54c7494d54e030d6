/** What the kernel, libc and libseccomp define: numbers, names, architectures, risk. Imports nothing. */
export {
  abiOf,
  abiOfCall,
  abisOfMachine,
  archOf,
  auditArch,
  MACHINES,
  type Machine,
  machineOfArchitectures,
  OCI_ARCHES,
  X32_BIT,
} from './arches';
export * from './arguments';
export { type Cve, type CveCall, cves } from './cves';
export { type Essential, essentials } from './essentials';
export { EQUIVALENTS, type Equivalent, isAnotherLibcs, WIDER_SUFFIXES } from './equivalents';
export { ENOSYS, FALLBACKS, type Fallback } from './fallbacks';
export { type RiskTier, riskReason, riskTier } from './risk';
export { ABIS, type Abi, names, syscallName, syscallNumber } from './syscalls';
export { type TrackedArgument, type TrackedCall, trackedArguments, trackedCalls } from './tracked';
export { errnoName, errnoNumber } from './errnos';
export { type ArgumentMeaning, argumentMeaning, knownArguments } from './symbols';
export { describeBriefly, describeSet, type WordSet } from './words';
export { DEFAULTS } from './defaults';
export { CAPABILITIES, capabilityNames, ENGINE_CAPABILITIES } from './capabilities';
export { type SystemdGroups, systemdGroups } from './systemd-groups';
