/**
 * Container engines: which one has a container, what the container is to the kernel (process,
 * cgroups, namespaces, runtime), what happens to it while it is recorded, and how containers of our own are made.
 */

export { cgroupDirectories } from './cgroups';
export {
  type ContainerControl,
  type ContainerSpec,
  type Executed,
  PLAIN_CONTAINER,
  type SeccompChoice,
} from './control';
export { containerControl, controlAt } from './control-find';
export {
  type EngineProbe,
  engineVersion,
  type FindOptions,
  findContainer,
  localEngineVersion,
  lookAgain,
  probeEngines,
  runtimeVersionOf,
} from './find';
export { cgroupsOfId } from './hooked';
export { type ImageSettings, imageSettings } from './image';
export { listeningPorts } from './listening';
export {
  type ContainerSource,
  HIDDEN_LABELS,
  type ListedContainer,
  type SourceEvent,
} from './source';
export { containerSource } from './sources';
export type {
  ApiEngineName,
  ContainerCgroup,
  ContainerEvent,
  ContainerInfo,
  ContainerRuntime,
  EngineChoice,
  EngineName,
  MadeContainer,
} from './types';
export { watchContainer } from './watch';
