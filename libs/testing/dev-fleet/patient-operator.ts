// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BuildStatus,
  Priority,
  RolloutStatus,
  type Build,
  type LogEntry,
  type Rollout,
} from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { DevFleet } from './dev-fleet';

const patienceMs = 180_000;
const retryMs = 100;
const mostSubmissions = 5;

/** The server is away, or the connection broke while it answered. */
function isAway(error: unknown): boolean {
  return error instanceof LockstepError && (error.kind === 'unavailable' || error.reason === 'grpc-cancelled');
}

/** Asks until the server answers; a refusal is an answer. */
async function patiently<T>(what: string, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error)) throw error;
      if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`, { cause: error });
    }
    await sleep(retryMs);
  }
}

/** What an operator's script does against services that die under it: repeats, and looks before repeating an append. */
export interface PatientOperator {
  /** Submits the diff and waits for its build, however it ends. */
  submit(name: string, diff: string): Promise<Build>;
  entries(): Promise<LogEntry[]>;
  /** Appends the patch over whatever it conflicts with. Answers the one entry that came of it. */
  appendOver(patch: string): Promise<LogEntry>;
  retire(seq: number): Promise<LogEntry>;
  /** Rolls the head out and waits for the end. */
  rollOut(): Promise<Rollout>;
}

const isWorking = ({ status }: Build): boolean =>
  status === BuildStatus.BUILD_STATUS_QUEUED || status === BuildStatus.BUILD_STATUS_RUNNING;

export function patientOperator({ operator, cluster, kernelBuild }: DevFleet): PatientOperator {
  const { fleet, build } = operator;
  const log = { cluster, kernelBuildId: kernelBuild };

  const entries = async (): Promise<LogEntry[]> =>
    (await patiently('the load order', () => fleet.getOrder(log))).entries;

  /** An append whose answer was lost is looked for: it has the seq that was asked for, or never happened. */
  async function appendOnce(append: (expectedSeq: number) => Promise<LogEntry | undefined>): Promise<LogEntry> {
    const before = await entries();
    const expectedSeq = before.length + 1;
    return patiently('an append', async () => {
      const [lost] = (await entries()).slice(before.length);
      if (lost !== undefined) return lost;
      const entry = await append(expectedSeq);
      if (entry === undefined) throw new Error('the server appended, but named no entry');
      return entry;
    });
  }

  async function awaitBuild(id: string): Promise<Build> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const { build: now } = await patiently('the build', () => build.getBuild({ id }));
      if (now !== undefined && !isWorking(now)) return now;
      if (performance.now() > deadline) throw new Error(`build ${id} has not ended: ${JSON.stringify(now)}`);
      await sleep(retryMs);
    }
  }

  async function submitOnce(name: string, diff: string): Promise<Build> {
    const request = {
      name,
      diff: Buffer.from(diff),
      description: '',
      author: '',
      cves: [],
      kernelBuildIds: [],
      priority: Priority.PRIORITY_NORMAL,
      onto: undefined,
      allowedTypeChanges: undefined,
      fuzz: 0,
      mayChangeBuild: false,
      reproduce: false,
    };
    const { builds } = await patiently('a submission', () => build.submitPatch(request));
    const [first] = builds;
    if (first === undefined) throw new Error(`the server queued no build of ${name}`);
    return awaitBuild(first.id);
  }

  async function awaitRollout(id: string): Promise<Rollout> {
    const deadline = performance.now() + patienceMs;
    return patiently('the rollout', async () => {
      let last: Rollout | undefined;
      const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
      try {
        for await (const { rollout } of fleet.watchRollout({ id }, { signal })) last = rollout;
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new Error(`rollout ${id} has not ended: ${JSON.stringify(last, undefined, 1)}`, { cause: error });
      }
      if (last !== undefined && last.status !== RolloutStatus.ROLLOUT_STATUS_RUNNING) return last;
      throw new LockstepError('unavailable', 'watch-ended', 'The watch ended before the rollout did.');
    });
  }

  return {
    entries,
    async submit(name, diff) {
      for (let time = 1; ; time += 1) {
        const build = await submitOnce(name, diff);
        // Two workers died over it: the answer says to submit it once more.
        if (build.failure?.reason !== 'worker-lost' || time === mostSubmissions) return build;
      }
    },
    appendOver: (patch) =>
      appendOnce(async (expectedSeq) => {
        const { conflicts } = await fleet.checkConflicts({ ...log, patch, buildId: '' });
        const overrides = [...new Set(conflicts.map(({ ownerSeq }) => String(ownerSeq)))];
        return (
          await fleet.appendLoad({
            ...log,
            patch,
            overrides,
            expectedSeq,
            mayInterrupt: false,
            buildId: '',
            ...switchingToWire({}),
          })
        ).entry;
      }),
    retire: (seq) => appendOnce(async (expectedSeq) => (await fleet.appendRetire({ ...log, seq, expectedSeq })).entry),
    async rollOut() {
      const rules = { canaries: 1, waveSize: 0, rules: undefined };
      // One whose answer was lost may be running.
      const request = { ...log, ...rules, toSeq: 0, planHash: '', supersede: true };
      const { rollout } = await patiently('a rollout', () => fleet.startRollout(request));
      if (rollout === undefined) throw new Error('the server named no rollout');
      return awaitRollout(rollout.id);
    },
  };
}
