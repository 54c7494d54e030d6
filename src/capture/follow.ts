/**
 * Keeps a capture on a container that a restart makes another to the kernel: of a pod, where it has a
 * new id and cgroup, or one without a cgroup, of which a restart is not seen, and that is said.
 */
import { existsSync } from 'node:fs';
import { type ContainerEvent, type ContainerInfo, cgroupDirectories } from '../engines';
import { SysieveError } from '../errors';
import { START_UNSEEN } from '../recording/schema';
import type { Capture } from './capture';

type Followed = Pick<ContainerInfo, 'cgroupNames' | 'cgroupPath' | 'unstarted'>;

export class Follower {
  /** Containers that were started after the capture was armed, and those that nobody looked at. */
  private expected = 0;
  /** Of one, something was executed before it was followed. */
  private missed = false;
  /** The container as last told, and whether its start was. */
  private current: { id: string; startTold: boolean } | null = null;

  constructor(private readonly capture: Capture) {}

  /**
   * By name a cgroup is followed that is made later. One that is there already is entered, with what
   * its runtime has put there: as long as the engine calls the container unstarted, that is the
   * runtime itself. The engine's word may be late; the kernel knows whether it was.
   */
  follow({ cgroupNames, cgroupPath, unstarted }: Followed): void {
    this.capture.follow({ cgroupNames, cgroups: [] });
    // After the names: made in between, it is one or the other.
    const cgroups = cgroupPath === null ? [] : cgroupDirectories(cgroupPath, existsSync);
    if (cgroups.length === 0) return;
    try {
      const more = { cgroupNames: [], cgroups, foundUnstarted: unstarted };
      const { tasks, followed } = this.capture.follow(more);
      const found = tasks > 0 || this.capture.tasksFound > 0;
      if (followed === 'late' || (followed === 'unknown' && found)) this.missed = true;
    } catch (error) {
      // It has ended meanwhile; what was missed of it shows as a start that was not seen.
      if (!(error instanceof SysieveError && error.code === 'cgroup-not-found')) throw error;
    }
  }

  /** A line for the user; null: nothing to tell. */
  on(event: ContainerEvent): string | null {
    if (event.type === 'started') {
      this.expected += 1;
      this.current = { id: event.container.id, startTold: true };
    }
    if (event.type !== 'made') return null;
    const { container } = event;
    this.current = { id: container.id, startTold: false };
    // Nobody knew their names.
    if (container.unseen > 0) this.missed = true;
    if (container.startUntold) this.expected += 1;
    this.follow(container);
    const unseen =
      container.unseen === 0 ? '' : `; ${container.unseen} before it came and went unseen`;
    return `the pod has a new container in its place, ${container.id.slice(0, 12)}${unseen}`;
  }

  /**
   * `startsSeen`: by the capture, which need not have been armed at the first. `now`: as the engine has
   * the container at the end, which may have been started since it was last told of.
   */
  blindSpots(startsSeen: number, now: ContainerInfo | null): string[] {
    const told = now === null || (this.current?.id === now.id && this.current.startTold);
    const untold = this.current !== null && !told && now.startedAt !== null ? 1 : 0;
    return this.missed || startsSeen < this.expected + untold ? [START_UNSEEN] : [];
  }
}
