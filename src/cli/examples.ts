/** What the help, the reference and the manual pages show of each command at work. */
import type { Command } from 'commander';

export interface Example {
  /** What it is for, in a few words. */
  readonly words: string;
  /** As it is typed, in lines of 78 columns at most. */
  readonly command: string;
}

function example(words: string, command: string): Example {
  return { words, command };
}

/** From nothing to a container under a profile of its own; under `sysieve --help`. */
export const FIRST_STEPS: readonly Example[] = [
  example('can this host record, and what is missing where not', 'sysieve doctor'),
  example('record a command', 'sysieve record -o ls.json -- ls -l /'),
  example(
    'make a profile of that',
    'sysieve minimise ls.json -o ls-profile.json --runtime sysieve',
  ),
  example('run the command under it', 'sysieve run --profile ls-profile.json -- ls -l /'),
  example(
    'for containers: write down what runs, make its profile, guard it in CI',
    'sysieve init --container web\nsysieve profile\nsysieve check',
  ),
];

/** By command; test/unit/examples.test.ts has each read by the command it is of. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  record: [
    example('a command, from its first instruction', 'sysieve record -o ls.json -- ls -l /'),
    example(
      'a container, over its restarts, for ten minutes',
      'sysieve record --container web -o web.json --duration 10m',
    ),
    example(
      'a container of a pod on this node',
      'sysieve record --pod default/web-0/nginx -o web.json',
    ),
    example(
      'until five minutes have brought nothing new',
      'sysieve record --container web -o web.json --until-stable 5m',
    ),
    example(
      'without a process that has to stay',
      'sysieve record --container web --detach --session-name web\n' +
        'sysieve stop web -o web.json',
    ),
    example(
      'every container of an image, now and later',
      'sysieve record --all --image web:1 -o replicas.json --duration 10m',
    ),
  ],
  init: [
    example('of a container that runs', 'sysieve init --container web'),
    example('of the services of a Compose file', 'sysieve init --compose compose.yaml'),
    example(
      'one app more in the file that is there',
      'sysieve init --container worker --name worker --add',
    ),
  ],
  profile: [
    example('every app of sysieve.config.json', 'sysieve profile'),
    example(
      'one app, with its recording to look at',
      'sysieve profile web --keep-recordings out/recordings',
    ),
    example(
      'in CI: fail where a limit ended it too early',
      'sysieve profile --strict-stable --json',
    ),
  ],
  sessions: [
    example('what is being recorded', 'sysieve sessions'),
    example('remove what was left half-made', 'sysieve sessions --prune'),
  ],
  stop: [
    example('end it and write what it has seen', 'sysieve stop web -o web.json'),
    example('look at it, and let it go on', 'sysieve stop web --keep -o so-far.json'),
  ],
  minimise: [
    example(
      'say pass by pass what is done, and why',
      'sysieve minimise web.json -o web-profile.json --explain',
    ),
    example(
      'of several recordings, for one runtime',
      'sysieve minimise start.json load.json stop.json -o web-profile.json \\\n' +
        '  --runtime runc',
    ),
    example(
      'with a call that is dangerous, since it is meant',
      'sysieve minimise web.json -o web-profile.json --allow ptrace',
    ),
    example(
      'what is not permitted is logged, for a start',
      'sysieve minimise web.json -o web-profile.json --default log',
    ),
  ],
  reach: [
    example('of a container that runs', 'sysieve reach web.json --container web -o web.reach.json'),
    example('of an image, without starting it', 'sysieve reach web.json --image web:1'),
    example(
      'a profile that permits what is likely as well',
      'sysieve minimise web.json -o web-profile.json --reach likely',
    ),
  ],
  check: [
    example('every app of sysieve.config.json', 'sysieve check'),
    example('as annotations of a pull request', 'sysieve check --format github'),
    example(
      'a recording that is there, and no more than ten calls in vain',
      'sysieve check web --recording web.json --max-unused 10',
    ),
    example('take over what is missing', 'sysieve check web --update'),
  ],
  merge: [
    example('recordings of several nodes', 'sysieve merge node1.json node2.json -o web.json'),
    example(
      'profiles, to what any of them permits',
      'sysieve merge web-profile.json worker-profile.json -o pod-profile.json',
    ),
  ],
  verify: [
    example(
      'prove it on what was recorded',
      'sysieve verify web-profile.json --recording web.json',
    ),
    example(
      'try it in a container, and fold in what was denied',
      'sysieve verify web-profile.json --image web:1 --repair',
    ),
    example('try it with a command', 'sysieve verify ls-profile.json -- ls -l /'),
    example('an app of sysieve.config.json under its profile', 'sysieve verify --app web'),
  ],
  diff: [
    example('what a change in the work tree permits', 'sysieve diff HEAD:web.json web.json'),
    example(
      "what a container really runs under, beside its engine's default",
      'sysieve diff default:docker container:web',
    ),
    example(
      'for a pull request: fail where more is permitted',
      'sysieve diff main:web.json web.json --format markdown --fail-on widen',
    ),
  ],
  lint: [
    example('two profiles', 'sysieve lint web.json worker.json'),
    example(
      'for whom will load it, and fail on what is dangerous',
      'sysieve lint web.json --target containerd --fail-on high',
    ),
    example('the default of an engine', 'sysieve lint default:docker@29.0.0'),
  ],
  explain: [
    example('what a call does', 'sysieve explain clone3'),
    example('its rule in a profile, and who needs it', 'sysieve explain socket web.json'),
    example('its rule in a container that runs', 'sysieve explain mount container:web'),
  ],
  inspect: [
    example('a container', 'sysieve inspect --container web'),
    example(
      'a pod, beside the profile it should run under',
      'sysieve inspect --pod shop/web-0/nginx --profile profiles/web.json',
    ),
    example('a process, without stopping it', 'sysieve inspect --pid 4711 --no-ptrace'),
    example('fail on what is dangerous', 'sysieve inspect --container web --fail-on high'),
  ],
  export: [
    example(
      'for the nodes of OpenShift',
      'sysieve export web.json --to machineconfig --role worker -o out/',
    ),
    example(
      'for a deployment of Kubernetes',
      'sysieve export web.json --to kubernetes --workload deployment/web -o web.yaml',
    ),
    example('for a unit of systemd', 'sysieve export web.json --to systemd -o web.conf'),
  ],
  import: [
    example(
      'the default of an engine, as what it is on one host',
      'sysieve import default.json --from docker --caps default --kernel 6.1 \\\n' +
        '  --arch x86_64 -o plain.json',
    ),
    example('a log of strace', 'sysieve import trace.log --from strace -o trace.json'),
    example(
      'the settings of a unit of systemd',
      'sysieve import web.service --from systemd --arch x86_64 -o web.json',
    ),
  ],
  run: [
    example('under a profile', 'sysieve run --profile ls-profile.json -- ls -l /'),
    example(
      'deny nothing, and record what is not in it',
      'sysieve run --profile ls-profile.json --complain -o missing.json -- ls -R /',
    ),
  ],
  agent: [
    example(
      'the profile that containers need for it',
      'sysieve agent --socket /run/sysieve.sock --print-profile \\\n' +
        '  --profile app.json > complain.json',
    ),
    example(
      'record them',
      'sysieve agent --socket /run/sysieve.sock -o recordings &\n' +
        'podman run --security-opt seccomp=complain.json IMAGE',
    ),
  ],
  hook: [
    example(
      'set it up for podman and CRI-O',
      'sysieve hook --print-config --output-dir /var/lib/sysieve \\\n' +
        '  > /etc/containers/oci/hooks.d/sysieve.json',
    ),
    example(
      'a container that asks for a profile',
      'podman --hooks-dir /etc/containers/oci/hooks.d run --rm --annotation \\\n' +
        '  io.containers.trace-syscall=of:/var/lib/sysieve/web.json IMAGE',
    ),
  ],
  'git-diff-driver': [
    example(
      'set it up, once for a repository',
      "echo '*.seccomp.json diff=sysieve' >> .gitattributes\n" +
        "git config diff.sysieve.command 'sysieve git-diff-driver'",
    ),
    example(
      'as git calls it',
      'sysieve git-diff-driver web.json old.json 1f2e 100644 web.json 3d4c 100644',
    ),
  ],
  'git-textconv': [
    example(
      'set it up, once for a repository',
      "echo '*.seccomp.json diff=sysieve' >> .gitattributes\n" +
        "git config diff.sysieve.textconv 'sysieve git-textconv'",
    ),
    example('a profile as lines', 'sysieve git-textconv web.json'),
  ],
  doctor: [
    example('what this host lacks, and the remedy', 'sysieve doctor'),
    example('for scripts', 'sysieve doctor --json'),
  ],
  schema: [
    example('of the configuration, for an editor', 'sysieve schema config > config.schema.json'),
    example('of recordings', 'sysieve schema recording'),
  ],
  report: [
    example('a page of a recording', 'sysieve report web.json -o report.html'),
    example(
      'a profile, and what changed since',
      'sysieve report web-profile.json --against old-profile.json -o report.html',
    ),
  ],
  completion: [
    example(
      'bash: now, and in every shell to come',
      'source <(sysieve completion bash)\n' +
        "echo 'source <(sysieve completion bash)' >> ~/.bashrc",
    ),
    example(
      'zsh: a directory of $fpath',
      'sysieve completion zsh > /usr/local/share/zsh/site-functions/_sysieve',
    ),
    example(
      'fish: its own directory',
      'sysieve completion fish > ~/.config/fish/completions/sysieve.fish',
    ),
  ],
};

function text(head: string, examples: readonly Example[]): string {
  const lines = examples.flatMap(({ words, command }) => [`# ${words}`, ...command.split('\n')]);
  return `\n${head}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** To the help of the program and of those commands that it has. Returns it. */
export function addExamples(program: Command): Command {
  program.addHelpText('after', text('First steps', FIRST_STEPS));
  for (const command of program.commands) {
    const own = EXAMPLES[command.name()];
    if (own !== undefined) command.addHelpText('after', text('Examples', own));
  }
  return program;
}
