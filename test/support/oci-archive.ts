/** An image archive (OCI image layout 1.0) of one root filesystem, as `ctr images import` reads it. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ImageName, makeRootfs, succeed } from './image-build';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** The archive's file below `dir`. */
export async function imageArchive(
  dir: string,
  image: ImageName,
  reference: string,
  command: readonly string[],
): Promise<string> {
  const work = path.join(dir, 'archive');
  const blobs = path.join(work, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const root = path.join(dir, 'archive-root');
  await makeRootfs(image, root);
  const layer = path.join(dir, 'layer.tar');
  await succeed('tar', ['-C', root, '-cf', layer, '.']);
  const add = (mediaType: string, content: Buffer) => {
    const digest = createHash('sha256').update(content).digest('hex');
    writeFileSync(path.join(blobs, digest), content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const addJson = (mediaType: string, value: object) =>
    add(mediaType, Buffer.from(JSON.stringify(value)));
  const layered = add('application/vnd.oci.image.layer.v1.tar', readFileSync(layer));
  const config = addJson('application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Cmd: command },
    rootfs: { type: 'layers', diff_ids: [layered.digest] },
  });
  const manifest = addJson(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config,
    layers: [layered],
  });
  const annotations = { 'io.containerd.image.name': reference };
  writeFileSync(path.join(work, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    path.join(work, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  const archive = path.join(dir, 'image.tar');
  await succeed('tar', ['-C', work, '-cf', archive, '.']);
  for (const left of [work, root, layer]) rmSync(left, { recursive: true });
  return archive;
}
