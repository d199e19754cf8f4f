// SPDX-License-Identifier: GPL-2.0-only
import type { ConnectRequest, Hello, Problem } from '@lockstep/contracts/generated';
import { LockstepError, parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import { logChecksOf } from '@lockstep/io/certificates';
import type { NodeRecord } from '@lockstep/io/database';
import { AgentSession, type AgentStream } from '../agents/agent-session';
import { AheadSession } from '../agents/ahead-session';
import {
  aheadProblem,
  forkedReport,
  forkProblem,
  judgeHead,
  type AgentHead,
  type HeadVerdict,
} from '../agents/check-head';
import { EntriesBeyond } from '../agents/entries-beyond';
import type { NodeSession } from '../agents/node-session';
import type { Uses } from '../services';

/** An agent answers at once; one from before it could be asked never does. */
const tellWithinMs = 30_000;

export interface Arrival {
  readonly node: NodeRecord;
  readonly hello: Hello;
  readonly stream: AgentStream;
  /** What the node goes on to say. */
  readonly messages: AsyncIterator<ConnectRequest>;
  readonly abort: AbortController;
}

/** What welcoming a node needs. */
export type Welcomer = 'nodes' | 'logs' | 'logHeads' | 'sessions' | 'rollouts' | 'authority' | 'authorities' | 'log';

type Parts = Uses<Welcomer>;

/** Tells a node whose log is not ours why it is turned away, and remembers it for operators. */
function turnAway({ nodes, rollouts, log }: Parts, arrival: Arrival, head: AgentHead, problem: Problem): void {
  const { node, stream } = arrival;
  log.warn({ node: node.name, ...head, problem: problem.message }, 'a node knows another history');
  nodes.note(node, forkedReport(node.report, head, problem));
  rollouts.wake(node.cluster);
  stream.write({ message: { $case: 'rejection', value: { problem } } });
}

/**
 * Asks a node for what it knows beyond our log, part after part.
 * @throws LockstepError `refused` when that does not prove to be ours; what ends the stream.
 */
async function askBeyond(
  { logs, authority }: Parts,
  log: LogName,
  head: AgentHead,
  arrival: Arrival,
): Promise<readonly LogEntry[]> {
  const checks = logChecksOf(authority.logSigner.publicKeyPem);
  const beyond = new EntriesBeyond(log, await logs.entries(log), head, checks);
  const late = new LockstepError('refused', 'entries-not-told', 'Its agent does not tell them: install a newer one.');
  const timer = setTimeout(() => {
    arrival.abort.abort(late);
  }, tellWithinMs);
  try {
    while (beyond.wantsAfter !== undefined) {
      arrival.stream.write({ message: { $case: 'entriesWanted', value: { afterSeq: beyond.wantsAfter } } });
      beyond.take(await nextAnswer(arrival.messages));
    }
    return beyond.entries;
  } finally {
    clearTimeout(timer);
  }
}

/** Reports between question and answer tell nothing that the next one does not tell again. */
async function nextAnswer(messages: Arrival['messages']) {
  for (;;) {
    const next = await messages.next();
    if (next.done === true) throw new LockstepError('cancelled', 'ended', 'The stream has ended.');
    const { message } = next.value;
    if (message?.$case === 'knownEntries') return message.value;
    if (message?.$case !== 'report') {
      throw new LockstepError(
        'invalid-input',
        'unexpected-message',
        'An agent says hello once, then answers or reports.',
      );
    }
  }
}

async function welcomeAhead(
  parts: Parts,
  log: LogName,
  head: AgentHead,
  arrival: Arrival,
): Promise<NodeSession | undefined> {
  const { nodes, logs, sessions } = parts;
  let entries: readonly LogEntry[];
  try {
    entries = sessions.provenBeyond(log, head) ?? (await askBeyond(parts, log, head, arrival));
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind !== 'refused') throw error;
    turnAway(parts, arrival, head, forkProblem(head, `where this control plane's ends before. ${error.message}`));
    return undefined;
  }
  const { node, abort } = arrival;
  const problem = aheadProblem(log, head.headSeq - entries.length, head);
  parts.log.warn({ node: node.name, ...head, problem: problem.message }, 'a node knows entries that were lost here');
  const close = (error: unknown): void => {
    abort.abort(error);
  };
  const ourHead = () => logs.head(log);
  const session = new AheadSession({ node: node.name, log, bootId: node.bootId, entries, problem, ourHead, close });
  nodes.note(node, session.seen(forkedReport(node.report, head, problem)));
  return session;
}

/** What seems to be beyond our log may have been appended by another control plane since it was read. */
async function judgeNewestHead(logs: Parts['logs'], log: LogName, head: AgentHead): Promise<HeadVerdict> {
  const verdict = await judgeHead(logs, log, head);
  if (verdict.kind !== 'beyond') return verdict;
  logs.noteGrowth(log);
  return judgeHead(logs, log, head);
}

/** The session of a node that has said hello; undefined if it was turned away. */
export async function welcomeNode(parts: Parts, arrival: Arrival): Promise<NodeSession | undefined> {
  const { logs, logHeads, authorities } = parts;
  const { node, hello, stream, abort } = arrival;
  const log: LogName = { cluster: node.cluster, kernelBuild: parseKernelBuildId(hello.kernelBuildId) };
  const head: AgentHead = { headSeq: hello.headSeq, headHash: hello.headHash };
  const verdict = await judgeNewestHead(logs, log, head);
  switch (verdict.kind) {
    case 'fork':
      turnAway(parts, arrival, head, verdict.problem);
      return undefined;
    case 'beyond':
      return welcomeAhead(parts, log, head, arrival);
    case 'ours':
      return new AgentSession({
        ...{ node: node.name, log, bootId: node.bootId, stream, headSeq: hello.headSeq },
        extensionsAfter: (name, seq) => logs.extensionsAfter(name, seq),
        headOf: (name) => logHeads.toldHeadOf(name),
        authorities: () => authorities.toTell,
        close: (error) => {
          abort.abort(error);
        },
      });
  }
}
