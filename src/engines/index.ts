/**
 * Container engines: which one has a container, what the container is to the kernel (process,
 * cgroups, namespaces, runtime), and what happens to it while it is recorded.
 */
export {
  type EngineProbe,
  engineVersion,
  type FindOptions,
  findContainer,
  localEngineVersion,
  probeEngines,
} from './find';
export type {
  ContainerCgroup,
  ContainerEvent,
  ContainerInfo,
  ContainerRuntime,
  EngineChoice,
  EngineName,
} from './types';
export { watchContainer } from './watch';
