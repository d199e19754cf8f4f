// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseAccelerator } from './accelerator';
import { GuestShell, type ExecResult } from './guest-shell';
import { hostRelaySource } from './host-relay';
import { qemuArguments, type Accelerator, type GuestRoot, type QemuArguments } from './qemu-arguments';
import { qmpExecute } from './qmp';

/** A kernel of kernel-livepatch/qemu/config, which mounts this host's tree, or one that needs a RAM disk with all it runs. */
export type MachineSystem =
  | {
      /** kernel-livepatch/qemu/init, absolute. */
      initFile: string;
      ramDisk?: undefined;
    }
  | {
      /** As makeStockRamDisk makes it; several machines may share it. */
      ramDisk: string;
      initFile?: undefined;
    };

export type MachineOptions = MachineSystem & {
  /** Host name in the guest. */
  name: string;
  /** A bzImage. */
  kernelImage: string;
  /** Kept between runs: state disk, console log, what is shared with the guest. */
  dir: string;
  /** A shell script that init runs, and runs again whenever it ends. */
  service?: string | undefined;
  /** Ports of 127.0.0.1 that the guest may reach, at `hostAddressInGuest`. */
  hostPorts?: readonly number[];
  accelerator?: Accelerator | undefined;
  memoryMb?: number;
  processors?: number;
  stateDiskMb?: number;
  /** Emulated, and its clocks count instructions, one a nanosecond. */
  countInstructions?: boolean;
  kernelArguments?: readonly string[];
};

/** A boot takes seconds, but minutes where a dozen compilers share the host's processors. */
const bootTimeoutMs = 300_000;
const answerTimeoutMs = 120_000;

/** What such a machine mounts of its own (kernel-livepatch/qemu/fstab): what lies below them on this host it does not see. */
const ownFolders = ['/dev', '/proc', '/sys', '/run', '/var/lib/lockstep'];

/** In base64 well below what one command may be long (128 KiB). */
const putBytes = 48 << 10;

/**
 * One virtual machine: a real kernel whose root is this host's own tree, read-only, under a writable layer that is
 * forgotten at power off; or a RAM disk. Only /var/lib/lockstep survives, on the state disk.
 */
export class QemuMachine implements AsyncDisposable {
  private process: ChildProcess | undefined;
  /** What QEMU said on its standard error since the last start. */
  private complaints = '';

  private constructor(
    private readonly machine: QemuArguments,
    private readonly shell: GuestShell,
    /** Sockets live here: their paths must be short (108 bytes). */
    private readonly socketDir: string,
  ) {}

  /**
   * Prepares disk and share; does not start. An existing state disk is kept. What is handed over to it as a file lies beside
   * `dir` mostly, so that must be where it can see it.
   */
  static async create(options: MachineOptions): Promise<QemuMachine> {
    const { dir } = options;
    if (options.ramDisk === undefined) refuseUnseen(dir);
    const shareDir = join(dir, 'share');
    await rm(shareDir, { recursive: true, force: true });
    await mkdir(shareDir, { recursive: true });
    if (options.service !== undefined) await writeFile(join(shareDir, 'service'), options.service);
    const stateDisk = join(dir, 'state.img');
    if (!(await exists(stateDisk))) await makeDisk(stateDisk, options.stateDiskMb ?? 256);
    const socketDir = await mkdtemp(join(tmpdir(), 'lockstep-vm-'));
    await chmod(socketDir, 0o700);
    const relayFile = join(socketDir, 'relay.mjs');
    await writeFile(relayFile, hostRelaySource);
    const shellSocket = join(socketDir, 'shell');
    return new QemuMachine(
      {
        name: options.name,
        kernelImage: options.kernelImage,
        root: await rootFor(options, shareDir),
        accelerator: options.accelerator ?? (await chooseAccelerator(options.kernelImage)),
        memoryMb: options.memoryMb ?? 512,
        processors: options.processors ?? 2,
        stateDisk,
        consoleLog: join(dir, 'console.log'),
        shellSocket,
        controlSocket: join(socketDir, 'qmp'),
        relayFile,
        hostPorts: options.hostPorts ?? [],
        countInstructions: options.countInstructions ?? false,
        kernelArguments: options.kernelArguments ?? [],
      },
      await GuestShell.listen(shellSocket),
      socketDir,
    );
  }

  get accelerator(): Accelerator {
    return this.machine.accelerator;
  }

  get consoleLog(): string {
    return this.machine.consoleLog;
  }

  /** QEMU's process on this host; undefined while the machine is off. */
  get processId(): number | undefined {
    return this.process?.pid;
  }

  get isRunning(): boolean {
    return this.process !== undefined;
  }

  /** The running kernel's boot id; undefined while the guest's shell is not up. */
  get bootId(): string | undefined {
    return this.shell.bootId;
  }

  /** Power on. */
  async start(): Promise<void> {
    if (this.process !== undefined) throw new Error(`${this.machine.name} is running already`);
    // Dies with us, however we die: no QEMU is left behind.
    const args = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...qemuArguments(this.machine)];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.complaints = '';
    child.stderr.on('data', (chunk: Buffer) => (this.complaints += chunk.toString('utf8')));
    await once(child, 'spawn');
    this.process = child;
    child.once('exit', () => {
      this.process = undefined;
      this.shell.forgetGuest(`${this.machine.name} is off. ${this.complaints.trim()}`);
    });
  }

  /** Waits until the guest's shell answers. @returns the boot id; rejects with the console's end if it never does */
  async waitReady(timeoutMs = bootTimeoutMs): Promise<string> {
    const limit = AbortSignal.timeout(timeoutMs);
    const poll = async (): Promise<never> => {
      // Power can fail before the shell ever comes up: nothing else would tell.
      while (this.isRunning && !limit.aborted) await new Promise((resolve) => setTimeout(resolve, 100));
      const why = limit.aborted ? `not ready within ${timeoutMs} ms` : 'off';
      throw new Error(`${this.machine.name} is ${why}. ${this.complaints.trim()} Console:\n${await this.consoleEnd()}`);
    };
    return Promise.race([this.shell.ready(), poll()]);
  }

  /** Runs a command with sh in the guest as root. */
  async exec(command: string, timeoutMs = answerTimeoutMs): Promise<ExecResult> {
    await this.waitReady();
    return this.shell.exec(command, timeoutMs);
  }

  /** Like `exec`, for commands that must succeed. @returns standard output */
  async run(command: string, timeoutMs = answerTimeoutMs): Promise<string> {
    const { status, stdout, stderr } = await this.exec(command, timeoutMs);
    if (status !== 0)
      throw new Error(`${this.machine.name}: "${command}" ended with status ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Writes a file in the guest, through its shell: the guest need not share anything with this host. */
  async putFile(file: string, bytes: Uint8Array): Promise<void> {
    // Of an empty one, too, there is one piece.
    for (let from = 0; from === 0 || from < bytes.length; from += putBytes) {
      const text = Buffer.from(bytes.subarray(from, from + putBytes)).toString('base64');
      await this.run(`echo ${text} | base64 -d ${from === 0 ? '>' : '>>'}'${file}'`);
    }
  }

  /** The power cord: nothing in the guest gets to finish. */
  async powerOff(): Promise<void> {
    const child = this.process;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** The reset button: the same machine starts again at once. */
  async reset(): Promise<void> {
    this.shell.forgetGuest(`${this.machine.name} was reset`);
    await qmpExecute(this.machine.controlSocket, 'system_reset');
  }

  /** The last lines that the kernel and the service wrote. */
  async consoleEnd(lines = 40): Promise<string> {
    const text = await readFile(this.machine.consoleLog, 'utf8').catch(() => '');
    return text.split('\n').slice(-lines).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    await this.shell.close();
    await rm(this.socketDir, { recursive: true, force: true });
  }
}

/** Enough for a share: scripts. */
const shareDiskMb = 4;

async function rootFor(system: MachineSystem, shareDir: string): Promise<GuestRoot> {
  if (system.initFile !== undefined) return { kind: 'host-tree', initFile: system.initFile, shareDir };
  const shareDisk = `${shareDir}.img`;
  await rm(shareDisk, { force: true });
  await makeDisk(shareDisk, shareDiskMb, ['-d', shareDir]);
  return { kind: 'ram-disk', file: system.ramDisk, shareDisk };
}

const exists = async (file: string): Promise<boolean> => (await stat(file).catch(() => undefined)) !== undefined;

async function makeDisk(file: string, sizeMb: number, options: readonly string[] = []): Promise<void> {
  await writeFile(file, '');
  await truncate(file, sizeMb << 20);
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const args = ['-q', '-F', '-t', 'ext4', ...options, file];
  const child = spawn('mke2fs', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`mke2fs ${file} ended with status ${String(status)}`);
}

function refuseUnseen(dir: string): void {
  const own = ownFolders.find((folder) => `${dir}/`.startsWith(`${folder}/`));
  if (own === undefined) return;
  throw new Error(
    `${dir}: a machine of this host's tree has its own ${own} and does not see it; set TMPDIR elsewhere.`,
  );
}
