/** What `sysieve record` is given. */
import type { TracerName } from '../capture/binding-types';
import type { EngineChoice } from '../engines';

export interface Options {
  pid?: number;
  cgroup?: string;
  container?: string;
  all?: true;
  image?: string;
  label?: string;
  pod?: string;
  stateDir?: string;
  engine: EngineChoice;
  output: string;
  duration?: number;
  untilStable?: number;
  min?: number;
  withoutStart?: true;
  denied?: true;
  boundary: 'namespace' | 'filter';
  json?: true;
  quiet?: true;
  reach?: true;
  tracer: TracerName | 'auto';
  programs: 'auto' | 'typed' | 'raw';
  entryOnly?: true;
  detach?: true;
  sessionName?: string;
  maxMemory?: number;
}
