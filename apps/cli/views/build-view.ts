// SPDX-License-Identifier: GPL-2.0-only
import {
  BuildStatus,
  Priority,
  type Build,
  type BuildLogLine,
  type ExplainedBuild,
  type Patch,
  type VendorProof,
} from '@lockstep/contracts/generated';
import { functionFromWire } from '@lockstep/contracts/wire';
import { showFunction } from '@lockstep/domain/livepatch-model';
import { counted } from '@lockstep/domain/visible-text';
import { enumWord, toDocument } from '../document';
import { fields, shortId, showTime, table } from '../table';

export const buildStatusWord = (status: BuildStatus): string => enumWord(BuildStatus, 'BUILD_STATUS_', status);

export const buildDocument = (build: Build): object => ({
  ...(toDocument(build) as object),
  status: buildStatusWord(build.status),
  priority: enumWord(Priority, 'PRIORITY_', build.priority),
});

/** `10:31:02.120 host:4711 compared in 0.31 s: …` */
export const logLine = ({ at, worker, text }: BuildLogLine): string =>
  `${at?.toISOString().slice(11, 23) ?? '-'} ${worker} ${text}`;

/** `b` or, built onto others, `b onto a < c`. */
const patchOf = ({ patchName, builtOnto }: Build): string =>
  builtOnto.length === 0 ? patchName : `${patchName} onto ${builtOnto.join(' < ')}`;

/** What came of it in one cell. */
function outcome(build: Build): string {
  if (build.failure !== undefined) return `${build.failure.reason}: ${build.failure.message.split('\n')[0] ?? ''}`;
  if (build.artifact !== undefined)
    return `${build.artifact.moduleName} (${build.artifact.functions.length === 0 ? 'callbacks only' : counted(build.artifact.functions.length, 'function')})`;
  return build.progress === undefined ? '' : build.progress.stage;
}

/** With what is long or seldom asked for. */
export interface Columns {
  readonly isWide: boolean;
}

export const buildTable = (builds: readonly Build[], { isWide }: Columns = { isWide: false }): string =>
  table(
    ['BUILD', 'PATCH', 'KERNEL BUILD', 'STATUS', 'OUTCOME', ...(isWide ? ['PRIORITY', 'QUEUED', 'ENDED'] : [])],
    builds.map((build) => [
      build.id,
      patchOf(build),
      isWide ? build.kernelBuildId : shortId(build.kernelBuildId),
      buildStatusWord(build.status),
      outcome(build),
      ...(isWide
        ? [enumWord(Priority, 'PRIORITY_', build.priority), showTime(build.queuedAt), showTime(build.endedAt)]
        : []),
    ]),
    'No builds.',
  );

/** What to know of the modules, beside what they change: each once, whatever kernels it is of. */
export const caveatFields = (builds: readonly Build[]): (readonly [string, string])[] => {
  const said = builds
    .flatMap(({ artifact }) => artifact?.caveats ?? [])
    .map(({ kind, message }) => `${kind}: ${message}`);
  return [...new Set(said)].map((text) => ['Caveat', text] as const);
};

/** As a server and a build without one have it. */
type ShownProof = Omit<VendorProof, 'overridden'> & { readonly overridden: readonly string[] };

/** `vmlinux 3b43fad50348: 14 of 15 functions are the kernel's byte for byte, and arch_hook is overridden there` */
export const describeProof = ({ object, vendorSha256, functions, equal, overridden }: ShownProof): string =>
  `${object} ${shortId(vendorSha256)}: ${equal} of ${functions} functions are the kernel's byte for byte` +
  (overridden.length === 0 ? '' : `, and ${overridden.join(', ')} is overridden there`);

/** That the modules were made from what the kernel was linked from: each once. */
export const proofFields = (builds: readonly Build[]): (readonly [string, string])[] =>
  [...new Set(builds.flatMap(({ proofs }) => proofs.map(describeProof)))].map((text) => ['Proved', text] as const);

export function buildText(build: Build): string {
  const { artifact, failure, progress } = build;
  return fields([
    ['Build', build.id],
    ['Patch', `${patchOf(build)} (${shortId(build.patchId)})`],
    ['Kernel build', build.kernelBuildId],
    ['Status', buildStatusWord(build.status)],
    ['Priority', enumWord(Priority, 'PRIORITY_', build.priority)],
    ...(build.reproduce ? [['Built by', 'two workers, each all of it, before it is signed'] as const] : []),
    ['Attempts', String(build.attempts)],
    ['Queued', showTime(build.queuedAt)],
    ['Ended', showTime(build.endedAt)],
    ...(progress === undefined ? [] : [['Stage', `${progress.stage} ${progress.done}/${progress.total}`] as const]),
    ...(failure === undefined
      ? []
      : ([
          ['Reason', failure.reason],
          ['Message', failure.message],
        ] as const)),
    ...(artifact === undefined
      ? []
      : ([
          ['Module', `${artifact.moduleName}.ko, ${artifact.sizeBytes} bytes`],
          ['sha256', artifact.sha256],
          ['Functions', artifact.functions.map((fn) => showFunction(functionFromWire(fn))).join(', ') || 'none'],
          ...caveatFields([build]),
          ...proofFields([build]),
        ] as const)),
  ]);
}

export const patchTable = (patches: readonly Patch[], { isWide }: Columns = { isWide: false }): string =>
  table(
    ['PATCH', 'ID', 'AUTHOR', 'CVES', 'SUBMITTED', 'DESCRIPTION'],
    patches.map((patch) => [
      patch.name,
      isWide ? patch.id : shortId(patch.id),
      patch.author,
      patch.cves.join(' '),
      showTime(patch.submittedAt),
      patch.description,
    ]),
    'No patches.',
  );

/** A build's functions, each with what makes it count as changed. */
export function explanationText({ build, functions }: ExplainedBuild): string {
  const head = build === undefined ? '' : `${patchOf(build)} for kernel build ${shortId(build.kernelBuildId)}`;
  const lines = functions.flatMap(({ function: fn, objectPath, reasons }) => [
    `${fn === undefined ? '' : showFunction(functionFromWire(fn))} (${objectPath})`,
    ...reasons.map((reason) => `  ${reason}`),
  ]);
  return [head, ...lines].join('\n');
}
