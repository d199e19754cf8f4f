// SPDX-License-Identifier: GPL-2.0-only
import CliTable from 'cli-table3';
import { LockstepError } from '@lockstep/domain/livepatch-model';

export type Outcome =
  | {
      readonly kind: 'loaded';
      readonly functions: readonly string[];
      /** How often each was called meanwhile, of those that were. */
      readonly calls: Readonly<Record<string, number>>;
      /** Why the others cannot run here, where that is known. */
      readonly absent: Readonly<Record<string, string>>;
      /** As its builder told, after it was disabled; absent in results of an older version. */
      readonly staysLoaded?: boolean;
      /** Ways of the exercise for which there was no time. */
      readonly untried?: readonly string[];
    }
  | { readonly kind: 'built'; readonly functions: readonly string[]; readonly loadError: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string }
  /** Not a fix by itself: it needs more of the difference, or changes nothing here. */
  | { readonly kind: 'no-fix'; readonly reason: string; readonly message: string };

export interface Row {
  readonly files: readonly string[];
  readonly objects: number;
  readonly seconds: number;
  readonly outcome: Outcome;
  /** Of kpatch-build: builds, refuses, or was not asked. */
  readonly peer: 'builds' | 'refuses' | null;
}

/** A part of a difference may be no fix: that says nothing about the builder. */
const noFix = new Set(['compile-failed', 'changes-no-object', 'no-function-changed']);

/** What a build that failed says of the fix. @throws what is no answer of the builder's */
export function refusalOf(error: unknown): Outcome {
  if (!(error instanceof LockstepError)) throw error;
  const kind = noFix.has(error.reason) ? 'no-fix' : 'refused';
  return { kind, reason: error.reason, message: error.message };
}

export function wordsOf({ outcome, peer }: Row): string {
  const asked = peer === null ? '' : `; the peer ${peer}`;
  switch (outcome.kind) {
    case 'loaded': {
      const { functions, calls, absent, staysLoaded, untried = [] } = outcome;
      const hurried = untried.length === 0 ? '' : `, no time for ${untried.length} ways`;
      const told = functions.map((name) => {
        const count = calls[name];
        return count === undefined
          ? `${name} (not reached${absent[name] === undefined ? hurried : `: ${absent[name]}`})`
          : `${name} (ran ${count} times)`;
      });
      return `loaded: ${told.join(', ')}${staysLoaded === true ? '; stays loaded once disabled, as was told' : ''}`;
    }
    case 'built':
      return `built, but not loaded: ${outcome.loadError}`;
    case 'refused':
      return `refused (${outcome.reason}): ${outcome.message}${asked}`;
    case 'no-fix':
      return `not a fix by itself (${outcome.reason}): ${outcome.message.split('\n').slice(0, 2).join(' ')}`;
  }
}

/** Of the fixes that were loaded: of how many a function ran, and of how many none can in this machine. */
export function reachOf(rows: readonly Row[]): { exercised: number; impossible: number } {
  const loaded = rows.flatMap(({ outcome }) => (outcome.kind === 'loaded' ? [outcome] : []));
  const rest = loaded.filter(({ calls }) => Object.keys(calls).length === 0);
  const impossible = rest.filter(({ functions, absent }) => functions.every((name) => absent[name] !== undefined));
  return { exercised: loaded.length - rest.length, impossible: impossible.length };
}

export function printRows(rows: readonly Row[]): void {
  const table = new CliTable({
    head: ['files', 'objects', 'seconds', 'result', 'peer'],
    style: { head: [], border: [] },
  });
  const fixes = rows.filter(({ outcome }) => outcome.kind !== 'no-fix');
  for (const { files, objects, seconds, outcome, peer } of fixes) {
    const result = outcome.kind === 'refused' ? `refused: ${outcome.reason}` : outcome.kind;
    table.push([files.join('\n'), objects, seconds.toFixed(1), result, peer ?? '']);
  }
  console.log(table.toString());
  const count = (kind: Outcome['kind']): number => rows.filter(({ outcome }) => outcome.kind === kind).length;
  const { exercised, impossible } = reachOf(rows);
  console.log(
    `${fixes.length} fixes: ${count('loaded')} built, loaded and unloaded (of ${exercised} a function ran meanwhile, ` +
      `of ${impossible} none can here), ` +
      `${count('built')} built and not loaded, ${count('refused')} refused; ` +
      `${count('no-fix')} parts of the difference are no fix by themselves`,
  );
}
