// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import { lockstepVersion, sha256OfBytes } from '@lockstep/platform/runtime';
import {
  LockstepError,
  parseModuleName,
  parsePatchId,
  parseSha256,
  type ModuleName,
} from '@lockstep/domain/livepatch-model';
import { withBuildRecord } from '@lockstep/domain/build-record';
import { showFunction } from '@lockstep/domain/livepatch-model';
import { distributions, parseStockName } from '@lockstep/domain/vendor-kernel';
import { openBuildSigner } from '@lockstep/io/certificates';
import {
  buildLivepatch,
  defaultCacheDirectory,
  kernelOfSource,
  registerStockKernel,
  sandboxChoices,
  useSandbox,
  type BuildProgress,
  type KernelBuild,
  type OnProgress,
  type SandboxChoice,
} from '@lockstep/io/kernel-builder';
import { allowedTypeChangesOf, allowTypeChangeOption, becauseOption } from '../allowed-type-changes';
import { buildChangesOption } from '../build-changes-option';
import { fuzzOption } from '../fuzz-option';
import { describeProof } from '../views/build-view';
import { numberFromOne, type Answer, type Cli, type LeafOptions, type LocalContext } from '../cli';
import { fileFault } from '../file-fault';

interface Options extends Pick<LeafOptions, 'json'> {
  readonly sourcedir?: string;
  readonly config?: string;
  readonly vmlinux?: string;
  readonly distribution?: string;
  readonly release?: string;
  readonly from?: string;
  readonly name?: string;
  readonly output: string;
  readonly replace?: boolean;
  readonly jobs?: number;
  readonly allowTypeChange?: readonly string[];
  readonly because?: string;
  readonly fuzz?: number;
  readonly allowBuildChanges?: boolean;
  readonly sandbox: SandboxChoice;
  readonly buildKey?: string;
  readonly cacheDir?: string;
}

/** `livepatch_fix_meminfo` for `some/where/fix-meminfo.patch`, the name that kpatch users know. */
function moduleNameFor(file: string, given: string | undefined): ModuleName {
  const stem = given ?? `livepatch-${path.basename(file).replace(/\.(?:patch|diff)$/, '')}`;
  return parseModuleName(stem.replaceAll(/[^A-Za-z0-9_]/g, '_'));
}

async function readDiff(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    const message = `The diff ${file} cannot be read: ${fileFault(cause)}.`;
    throw new LockstepError('invalid-input', 'usage', message, { file }, { cause });
  });
}

async function readKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `The build key ${file} cannot be read: ${fileFault(cause)}.`;
    throw new LockstepError('invalid-input', 'usage', message, { file }, { cause });
  });
}

async function writeModule(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    const message = `The module cannot be written to ${file}: ${fileFault(cause)}.`;
    throw new LockstepError('unavailable', 'output-unwritable', message, { file }, { cause });
  }
}

function checkKernelOptions({ sourcedir, distribution, release }: Options): void {
  if (
    (sourcedir === undefined) !== (distribution === undefined) &&
    (distribution === undefined || release !== undefined)
  )
    return;
  const message =
    'Which kernel? Give its tree: -s SRC [-c CONFIG] [-v VMLINUX]; or a distribution that built it and its release: --distribution debian --release RELEASE [--from FOLDER].';
  throw new LockstepError('invalid-input', 'usage', message);
}

async function openKernel(options: Options, onProgress: OnProgress, signal: AbortSignal): Promise<KernelBuild> {
  const {
    sourcedir: sourceDir = '',
    config: configFile,
    vmlinux: vmlinuxFile,
    distribution,
    release = '',
    from,
  } = options;
  const cacheDir = options.cacheDir ?? defaultCacheDirectory();
  return distribution === undefined
    ? kernelOfSource({ sourceDir, configFile, vmlinuxFile, cacheDir, onProgress, signal })
    : registerStockKernel({ ...parseStockName(distribution, release), from, cacheDir, onProgress, signal });
}

async function build(file: string, options: Options, { screen, signal }: LocalContext): Promise<Answer> {
  checkKernelOptions(options);
  const moduleName = moduleNameFor(file, options.name);
  const diff = await readDiff(file);
  const signer = options.buildKey === undefined ? undefined : await openBuildSigner(options.buildKey, readKey);
  const progress = screen.progress(`build ${moduleName}`);
  const onProgress = ({ stage, done, total }: BuildProgress): void => {
    progress.update({ done, total, detail: stage });
  };
  try {
    const sandbox = await useSandbox(options.sandbox);
    const kernel = await openKernel(options, onProgress, signal);
    const started = performance.now();
    const patchId = parsePatchId(createHash('sha256').update(diff).digest('hex'));
    const replace = options.replace ?? false;
    const compilers = options.jobs;
    const allowedTypeChanges = allowedTypeChangesOf(options);
    const sources = {
      kernel,
      diff: [{ name: '', text: diff, fuzz: options.fuzz, mayChangeBuild: options.allowBuildChanges }],
    };
    const work = { ...sources, moduleName, patchId, replace, allowedTypeChanges, compilers, onProgress, signal };
    const { bytes: built, functions, remarks, proofs, path: way, makeReasons } = await buildLivepatch(work);
    const recorded = withBuildRecord(built, {
      ...{
        module: moduleName,
        patch: patchId,
        diffs: [{ name: path.basename(file), sha256: sha256OfBytes(diff) }],
        onto: [],
      },
      ...{ kernelBuild: kernel.id, release: kernel.release, compiler: kernel.compiler },
      configSha256: parseSha256(kernel.configSha256),
      builderVersion: lockstepVersion,
    });
    const bytes = signer === undefined ? recorded : await signer.sign(recorded);
    const seconds = (performance.now() - started) / 1000;
    const module = path.resolve(options.output, `${moduleName}.ko`);
    await writeModule(module, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { id: kernelBuild, release } = kernel;
    return {
      document: {
        module,
        moduleName,
        kernelBuild,
        release,
        patchId,
        sha256,
        replace,
        functions,
        path: way,
        makeReasons,
        remarks,
        proofs,
        allowedTypeChanges,
        fuzz: options.fuzz ?? 0,
        sandbox,
        seconds,
      },
      text: `${module}\n${makeReasons.map((reason) => `built through make: ${reason}\n`).join('')}changes ${functions.map(showFunction).join(', ') || 'no function'}\n${remarks.map((remark) => `note: ${remark}\n`).join('')}${proofs.map((proof) => `proved: ${describeProof(proof)}\n`).join('')}for Linux ${release}, ${seconds.toFixed(1)} s`,
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('cancelled', 'interrupted', 'Interrupted: nothing was written.', {}, { cause: error });
  } finally {
    progress.stop();
  }
}

/** `lockstep build` itself; `build ls` and its like ask the server. */
export const buildPatch = (cli: Cli): Command =>
  new Command('build')
    .description('build a livepatch module here, without a server; and the builds of the control plane')
    // Else `--json` of `build ls --json` would be taken for this command's own.
    .enablePositionalOptions()
    .argument('[file.patch]', 'unified diff, applied with -p1 at the top of the kernel tree')
    .option(
      '-s, --sourcedir <dir>',
      'kernel tree: a finished build, or sources: of these only what patches need is compiled where VMLINUX has debug information, else all, once',
    )
    .option('-c, --config <file>', "the running kernel's config (default: the tree's .config)")
    .option('-v, --vmlinux <file>', "the running kernel's vmlinux, with symbols (default: the tree's)")
    .addOption(
      new Option('--distribution <name>', 'a kernel that this distribution built, from its packages').choices(
        distributions,
      ),
    )
    .option('--release <release>', 'which of its kernels, as uname -r says it')
    .option('--from <dir>', 'its packages, unpacked there (default: fetched through apt)')
    .option('-n, --name <name>', 'name of the module (default: livepatch-FILE)')
    .option('-o, --output <dir>', 'where the module goes', '.')
    .option('-j, --jobs <n>', 'compilers at once (default: as many as processors)', numberFromOne)
    .option(...allowTypeChangeOption)
    .option(...becauseOption)
    .option(...fuzzOption)
    .option(...buildChangesOption)
    .addOption(
      new Option('--sandbox <kind>', 'what compilers and make run in; none lets a diff read and run what you may')
        .choices(sandboxChoices)
        .env('LOCKSTEP_SANDBOX')
        .default('auto'),
    )
    .option('--build-key <file>', 'sign the module with this key, as a worker does (or pkcs11:… of one on a token)')
    .option('--replace', 'the module replaces all livepatches that are loaded')
    .option('--cache-dir <dir>', 'where kernels and originals are kept (default: ~/.cache/lockstep)')
    .option('--json', 'print one JSON document')
    .action(async (file: string | undefined, options: Options, command: Command) => {
      if (file === undefined) return command.help();
      return cli.runHere({ json: options.json === true }, (context) => build(file, options, context));
    });
