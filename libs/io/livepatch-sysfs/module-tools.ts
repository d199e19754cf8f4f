// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';

/** Inserting and removing modules. Node.js has no system calls of its own, so kmod's or busybox' programs make them. */
export interface ModuleTools {
  insert(path: string, module: ModuleName, parameters: readonly string[]): Promise<void>;
  /** Resolves to false when the module is still in use. */
  remove(module: ModuleName): Promise<boolean>;
}

/** An insmod that takes longer hangs on a lock in the kernel; the answer then comes from looking again. */
const toolTimeoutMs = 60_000;

const folders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findTool(tool: 'insmod' | 'rmmod'): Promise<readonly [string, ...string[]]> {
  for (const folder of folders) if (await isExecutable(`${folder}/${tool}`)) return [`${folder}/${tool}`];
  for (const folder of folders) if (await isExecutable(`${folder}/busybox`)) return [`${folder}/busybox`, tool];
  throw new LockstepError(
    'refused',
    'no-module-tools',
    `There is no ${tool} in ${folders.join(', ')}: install kmod or busybox.`,
  );
}

/** How strerror puts what the kernel answers; both tools print it. */
const insertErrors: readonly { readonly says: RegExp; readonly reason: string; readonly meaning: string }[] = [
  { says: /Name not unique/, reason: 'kernel-refused-conflict', meaning: 'the livepatch core refuses a conflict' },
  { says: /File exists/, reason: 'module-exists', meaning: 'a module of that name is loaded' },
  { says: /Invalid module format/, reason: 'wrong-kernel', meaning: 'the module was built for another kernel' },
  { says: /Device or resource busy/, reason: 'transition-busy', meaning: 'another livepatch is in transition' },
  {
    says: /Operation not permitted/,
    reason: 'not-permitted',
    meaning: 'the agent is not root, or lockdown forbids it',
  },
  {
    says: /Required key not available|Key was rejected/,
    reason: 'signature-required',
    meaning: 'the kernel wants modules signed with a key it knows',
  },
  { says: /Unknown symbol/, reason: 'unknown-symbol', meaning: 'the kernel lacks a symbol that it needs (see dmesg)' },
  { says: /Cannot allocate memory/, reason: 'no-memory', meaning: 'the machine is out of memory' },
];

interface Ended {
  readonly code: number;
  readonly output: string;
}

async function run(tool: 'insmod' | 'rmmod', ...args: readonly string[]): Promise<Ended> {
  const [program, ...first] = await findTool(tool);
  return new Promise((resolve) => {
    const options = { timeout: toolTimeoutMs, env: { ...process.env, LC_ALL: 'C' } };
    execFile(program, [...first, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      const output = `${stdout}${stderr}`.trim();
      resolve({ code, output: output === '' && error !== null ? error.message : output });
    });
  });
}

/** The running machine's own. Livepatches have no parameters themselves, but test modules are made of theirs. */
export function createModuleTools(parametersOf: (module: ModuleName) => readonly string[] = () => []): ModuleTools {
  return {
    async insert(path, module, parameters) {
      const { code, output } = await run('insmod', path, ...parametersOf(module), ...parameters);
      if (code === 0) return;
      const known = insertErrors.find(({ says }) => says.test(output));
      const meaning = known === undefined ? '' : ` (${known.meaning})`;
      throw new LockstepError(
        known?.reason === 'no-memory' || known?.reason === 'transition-busy' ? 'unavailable' : 'refused',
        known?.reason ?? 'insmod-failed',
        `The kernel did not take ${module}${meaning}: ${output}`,
        { module, output },
      );
    },
    async remove(module) {
      const { code, output } = await run('rmmod', module);
      if (code === 0 || /not currently loaded|No such file or directory/.test(output)) return true;
      if (/in use|Resource temporarily unavailable|Device or resource busy/.test(output)) return false;
      throw new LockstepError('refused', 'rmmod-failed', `Module ${module} could not be removed: ${output}`, {
        module,
        output,
      });
    },
  };
}
