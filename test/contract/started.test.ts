/**
 * What counts as the start of a container without a filter, and whose calls are recorded: a runtime and
 * what enters by one, step by step, in an order that engines bring about by chance.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Capture } from '../../src/capture/capture';
import type { Run } from '../../src/recording';
import { hierarchies } from '../support/hierarchies';
import { eventually, privileged } from '../support/recorder';

const MARK = 1000; // no such call: whoever makes it is recognised
const NEW_MOUNTS = 0x00020000;
const NEW_PIDS = 0x20000000;

/** What runtimes do, in Perl; the numbers are those of x86_64. */
const STEPS = String.raw`
  sub enter { open(my $to, '>', "$_[0]/cgroup.procs") or die; syswrite($to, $_[1] || $$) or die }
  sub isolate { syscall(272, $_[0]) == 0 or die }
  sub join_ns {
    open(my $ns, '<', "/proc/$_[0]/ns/$_[1]") or die;
    syscall(308, fileno($ns), 0) == 0 or die
  }
  # What a child leaves behind comes here, as to a shim or a conmon; the last one is the entrypoint.
  sub adopt { syscall(157, 36, 1, 0, 0, 0) == 0 or die }
  sub wait_for_all { 1 while wait() > 0 && ($ended = $?, 1); exit($ended >> 8) }
  sub pause { print "paused\n"; sysread(STDIN, my $line, 3) == 3 or die }
  $| = 1;
`;
/** Programs of the container. */
const MAKE_MARKS = `syscall(${MARK}) for 1..10`;
const ENDS = `exec('/usr/bin/perl', '-e', '${MAKE_MARKS}')`;
const STAYS = String.raw`exec('/usr/bin/perl', '-e', '$| = 1; ${MAKE_MARKS}; print "up\n"; <STDIN>')`;

/** Says a line where it pauses, and goes on when told to. */
class Stepwise {
  readonly child: ChildProcess;
  private text = '';
  constructor(script: string, before: readonly string[] = [], after = '') {
    const [command = '', ...words] = [...before, 'perl', '-e', STEPS + script];
    const env = { ...process.env, AFTER: STEPS + after };
    this.child = spawn(command, words, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (text: Buffer) => {
      this.text += text.toString();
    });
  }
  async said(what: RegExp): Promise<RegExpExecArray> {
    await eventually('it gets there', () => what.test(this.text));
    return what.exec(this.text) as RegExpExecArray;
  }
  goOn(): void {
    this.child.stdin?.write('go\n');
  }
  async ended(): Promise<void> {
    await eventually('it ends', () => this.child.exitCode !== null);
    expect(this.child.exitCode).toBe(0);
  }
}

/** Containers below one cgroup that is followed by its name. */
class Containers {
  readonly group: string;
  readonly capture: Capture;
  private readonly started: Stepwise[] = [];
  constructor(
    mount: string,
    programs: 'typed' | 'raw',
    private readonly pids: number,
  ) {
    const name = `sysieve-started-${process.pid}`;
    this.group = join(mount, name);
    this.capture = new Capture({ execRule: 'namespace', cgroupNames: [name], programs });
    mkdirSync(this.group);
  }

  run(...how: ConstructorParameters<typeof Stepwise>): Stepwise {
    const stepwise = new Stepwise(...how);
    this.started.push(stepwise);
    return stepwise;
  }

  /** What runs in the cgroup; its child executes the entrypoint. */
  private setUp(entrypoint: string): string {
    return `isolate(${NEW_MOUNTS + this.pids});
      if (my $init = fork) { print "init $init\\n"; exit }
      pause(); ${entrypoint}`;
  }

  private async made(container: Stepwise): Promise<Stepwise> {
    await container.said(/paused/);
    return container;
  }

  /** All but the last step, the execve of the entrypoint. */
  create(entrypoint: string): Promise<Stepwise> {
    const script = `adopt(); if (fork) { wait_for_all() }
      enter('${this.group}'); ${this.setUp(entrypoint)}`;
    return this.made(this.run(script));
  }

  /** By a runtime that executes its own copy first, and is itself in a mount namespace of its own. */
  createByCopy(entrypoint: string): Promise<Stepwise> {
    const script = `adopt(); if (fork) { wait_for_all() }
      enter('${this.group}'); exec('/proc/self/exe', '-e', $ENV{AFTER})`;
    return this.made(this.run(script, ['unshare', '--mount'], this.setUp(entrypoint)));
  }

  async start(entrypoint: string): Promise<Stepwise> {
    const container = await this.create(entrypoint);
    container.goOn();
    await container.said(/up/);
    return container;
  }

  async init(container: Stepwise): Promise<number> {
    const [, pid] = await container.said(/init (\d+)\n/);
    return Number(pid);
  }

  /** As runc and crun enter: the namespaces, then the cgroup. All but the execve of the program. */
  async exec(container: Stepwise, program: string): Promise<Stepwise> {
    const pid = await this.init(container);
    const entrant = this.run(`
      pipe(my $joined, my $joins) or die;
      join_ns(${pid}, 'pid');
      if (my $child = fork) { enter('${this.group}', $child); close($joins); wait_for_all() }
      close($joins);
      join_ns(${pid}, 'mnt');
      sysread($joined, my $nothing, 1);
      pause(); ${program}`);
    await entrant.said(/paused/);
    return entrant;
  }

  /** The container's processes end, those that entered by its mount namespace alone live on. */
  async kill(container: Stepwise): Promise<void> {
    process.kill(await this.init(container), 'SIGKILL');
    await eventually('it ends', () => container.child.exitCode !== null);
  }

  finish(): Run {
    return this.capture.finish({
      attachedLate: null,
      runtime: null,
      target: { kind: 'container', engine: null, name: null, id: null, image: null },
    });
  }

  async remove(): Promise<void> {
    this.capture.abandon();
    for (const { child } of this.started) child.kill('SIGKILL');
    await eventually('the cgroup can be removed', () => {
      const left = readFileSync(join(this.group, 'cgroup.procs'), 'latin1').trim();
      if (left === '') rmdirSync(this.group);
      else for (const pid of left.split('\n')) process.kill(Number(pid), 'SIGKILL');
      return left === '';
    });
  }
}

const marks = (run: Run): number => run.calls.find((call) => call.number === MARK)?.count ?? 0;

const PID_NAMESPACES = [
  ['a pid namespace of its own', NEW_PIDS],
  ["the host's pid namespace", 0],
] as const;
const cases = hierarchies().flatMap((mount) =>
  (['typed', 'raw'] as const).flatMap((programs) =>
    PID_NAMESPACES.map(([where, pids]) => [where, mount, programs, pids] as const),
  ),
);

privileged.each(cases)('a container in %s, below %s, by %s programs', (...how) => {
  const [, mount, programs, pids] = how;
  let containers: Containers;
  beforeEach(() => {
    containers = new Containers(mount, programs, pids);
  });
  afterEach(() => containers.remove());

  it('has one start: what entered before it executes first', async () => {
    const container = await containers.create(STAYS);
    const entrant = await containers.exec(container, STAYS);
    entrant.goOn();
    await entrant.said(/up/);
    container.goOn();
    await container.said(/up/);
    const run = containers.finish();
    expect(marks(run)).toBe(20);
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
  });

  it('has one start: what entered before it executes later', async () => {
    const container = await containers.create(STAYS);
    const entrant = await containers.exec(container, ENDS);
    container.goOn();
    await container.said(/up/);
    entrant.goOn();
    await entrant.ended();
    const run = containers.finish();
    expect(marks(run)).toBe(20);
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
  });

  it('has one start, by a runtime that has a mount namespace itself and executes its copy', async () => {
    const container = await containers.createByCopy(ENDS);
    container.goOn();
    await container.ended();
    const run = containers.finish();
    expect(marks(run)).toBe(10);
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
    expect(run.executables).toEqual(['/usr/bin/perl']);
    expect(run.calls.map((call) => call.name)).not.toContain('unshare');
  });

  it('is recorded after a restart that something of before it lived to see', async () => {
    const first = await containers.start(STAYS);
    // An administrator's look, which does not end with the container.
    const look = containers.run(
      `join_ns(${await containers.init(first)}, 'mnt'); pause(); ${STAYS}`,
    );
    await look.said(/paused/);
    look.goOn();
    await look.said(/up/);
    await containers.kill(first);
    const second = await containers.create(ENDS);
    second.goOn();
    await second.ended();
    const run = containers.finish();
    expect(marks(run)).toBe(30);
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: pids === 0 ? 1 : 2 });
  });

  it('is entered for good where its init has another mount namespace by now', async () => {
    const moves = String.raw`exec('/usr/bin/perl', '-e', '$| = 1; syscall(272, ${NEW_MOUNTS}); print "up\n"; <STDIN>')`;
    const container = await containers.start(moves);
    const entrant = await containers.exec(container, ENDS);
    entrant.goOn();
    await entrant.ended();
    expect(marks(containers.finish())).toBe(10);
  });
});

privileged.each(cases.filter(([, , , pids]) => pids !== 0))(
  'a container in %s, below %s, by %s programs',
  (_where, mount, programs, pids) => {
    it('has one start: what entered before it has ended by then', async () => {
      const containers = new Containers(mount, programs, pids);
      try {
        const container = await containers.create(STAYS);
        const entrant = await containers.exec(container, ENDS);
        entrant.goOn();
        await entrant.ended();
        container.goOn();
        await container.said(/up/);
        const run = containers.finish();
        expect(marks(run)).toBe(20);
        expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
      } finally {
        await containers.remove();
      }
    });
  },
);
