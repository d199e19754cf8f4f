// SPDX-License-Identifier: GPL-2.0-only
import CliTable from 'cli-table3';
import { LockstepError } from '@lockstep/domain/livepatch-model';

export type Outcome =
  | {
      readonly kind: 'loaded';
      readonly functions: readonly string[];
      readonly ran: readonly string[];
      /** As its builder told, after it was disabled; absent in results of an older version. */
      readonly staysLoaded?: boolean;
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
      const ran = outcome.ran.length === 0 ? 'nothing reached them' : `ran: ${outcome.ran.join(', ')}`;
      const stays = outcome.staysLoaded === true ? '; stays loaded once disabled, as was told' : '';
      return `loaded: ${outcome.functions.join(', ')} (${ran}${stays})`;
    }
    case 'built':
      return `built, but not loaded: ${outcome.loadError}`;
    case 'refused':
      return `refused (${outcome.reason}): ${outcome.message}${asked}`;
    case 'no-fix':
      return `not a fix by itself (${outcome.reason}): ${outcome.message.split('\n').slice(0, 2).join(' ')}`;
  }
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
  const exercised = rows.filter(({ outcome }) => outcome.kind === 'loaded' && outcome.ran.length > 0).length;
  console.log(
    `${fixes.length} fixes: ${count('loaded')} built, loaded and unloaded (${exercised} of them ran meanwhile), ` +
      `${count('built')} built and not loaded, ${count('refused')} refused; ` +
      `${count('no-fix')} parts of the difference are no fix by themselves`,
  );
}
