/** The source of containers that an engine choice stands for. */
import { type FindOptions, theEngine } from './find';
import { podmanCommandSource } from './podman-source';
import { connect } from './socket';
import { type ContainerSource, socketSource } from './source';

export async function containerSource(options: FindOptions): Promise<ContainerSource> {
  const engine = await theEngine(options);
  const { endpoint } = engine;
  return endpoint.kind === 'cli'
    ? podmanCommandSource(endpoint.path)
    : socketSource(engine, connect(endpoint.path), endpoint.path);
}
