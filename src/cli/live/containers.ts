/** The live view of every container of one image or label. No I/O. */
import type { AllProgress } from '../../capture/record-all';
import { duration } from './figures';
import { cutTo, type Layout, NARROW, title } from './lines';

/** What the view of `record --all` shows. Calls are counted by container, and read when one has ended. */
export class ShownContainers {
  what = '';
  progress: AllProgress | null = null;

  lines(layout: Layout): string[] | null {
    if (this.progress === null) return null;
    const { elapsedMs } = this.progress;
    const { columns } = layout;
    if (columns < NARROW) {
      return [cutTo(`${duration(elapsedMs)} ${this.what}`, columns), cutTo(this.counts(), columns)];
    }
    return [
      title(`recording ${this.what}`, duration(elapsedMs), layout),
      cutTo(` ${'containers'.padEnd(11)}${this.counts()}`, columns),
    ];
  }

  log() {
    if (this.progress === null) return [];
    const text = `sysieve: ${duration(this.progress.elapsedMs)}: ${this.counts()}`;
    return [{ of: '', key: this.counts(), text }];
  }

  private counts(): string {
    const { running = 0, ended = 0 } = this.progress ?? {};
    return `${running} running, ${ended} ended`;
  }
}
