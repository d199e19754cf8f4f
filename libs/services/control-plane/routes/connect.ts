// SPDX-License-Identifier: GPL-2.0-only
import type { Readable } from 'node:stream';
import { ConnectRequest, type Hello, type NodeReport } from '@lockstep/contracts/generated';
import { labelsOfEntries } from '@lockstep/domain/labels';
import { LockstepError, parseKernelBuildId, type NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import type { AgentStream } from '../agents/agent-session';
import type { KnownNodes } from '../agents/known-nodes';
import type { NodeSession } from '../agents/node-session';
import { ReportIntake } from '../agents/report-intake';
import { sayingAgain } from '../agents/saying-again';
import { SharedFunctions } from '../agents/shared-functions';
import { streamTurns } from '../agents/stream-turns';
import { messagesUntil } from '../grpc/messages-until';
import { readRequest } from '../grpc/readable-request';
import type { Uses } from '../services';
import { welcomeNode, type Welcomer } from './welcome-node';

/** An agent says hello at once and reports as a heartbeat; one that is silent for longer hangs. */
const helloWithinMs = 15_000;
const silentForMs = 60_000;
/** Far more versions than there will be; a node's word is kept, so it has a limit. */
const mostEntryVersions = 64;

/** Of all streams. */
const sharedFunctions = new SharedFunctions();

function readMessage(bytes: Buffer): ConnectRequest {
  const request = readRequest((sent) => ConnectRequest.decode(sent), bytes);
  if (request.message?.$case === 'report') sharedFunctions.share(request.message.value);
  return request;
}

/** What is read from it are messages' bytes. */
export type AgentCall = AgentStream & Readable;

/** Reading with a limit on silence. One message at a time: what is not read yet waits on the agent's side. */
class Listener {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly node: NodeName,
    private readonly end: (error: LockstepError) => void,
  ) {}

  expectWithin(limitMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const message = `Node ${this.node} said nothing for ${limitMs} ms.`;
      this.end(new LockstepError('unavailable', 'node-silent', message, { node: this.node }));
    }, limitMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

async function introduce(
  nodes: KnownNodes,
  { node, certificateEndsAt }: ConnectingNode,
  hello: Hello,
): Promise<NodeRecord> {
  const { kernelBuildId, kernelRelease, agentVersion, bootId, patchedCore } = hello;
  const entryVersions = hello.entryVersions.slice(0, mostEntryVersions).filter((version) => version < 2 ** 31);
  const kernelBuild = parseKernelBuildId(kernelBuildId);
  const reportedLabels = labelsOfEntries(Object.entries(hello.labels));
  const about = { kernelBuild, kernelRelease, agentVersion, bootId, patchedCore, entryVersions, reportedLabels };
  return nodes.introduce(node, { ...about, certificateEndsAt });
}

/**
 * Of two machines with one key the one whose stream lives stays; the other is told, and comes again at its own pace:
 * each in turn would end the other's stream for ever.
 */
function turnAwayTwin(
  { sessions, log }: Uses<'sessions' | 'log'>,
  node: NodeRecord,
  { bootId }: Hello,
  call: AgentCall,
): boolean {
  const problem = sessions.noteHello(node.name, bootId) ? sessions.twinProblem(node.name) : undefined;
  if (problem === undefined) return false;
  log.warn({ node: node.name, bootId, problem }, 'two machines have one key');
  call.write({ message: { $case: 'rejection', value: { problem } } });
  return true;
}

/** It may have come again meanwhile, here or with another control plane, and this stream be dead without knowing it. */
function insistNewest(nodes: KnownNodes, node: NodeRecord): void {
  if (nodes.isCurrent(node)) return;
  const message = `Node ${node.name} has connected or enrolled again since.`;
  throw new LockstepError('unavailable', 'replaced', message, { node: node.name });
}

type Needs =
  Welcomer | 'nodes' | 'admission' | 'limits' | 'sessions' | 'switches' | 'orders' | 'rollouts' | 'metrics' | 'log';

/** Who opens a stream, and until when the certificate is good that it shows. */
export interface ConnectingNode {
  readonly node: NodeRecord;
  readonly certificateEndsAt: Date;
}

/** One conversation with one node, from its hello to the end of the stream. `abort` ends it from our side. */
export async function connect(
  services: Uses<Needs>,
  connecting: ConnectingNode,
  call: AgentCall,
  abort: AbortController,
): Promise<void> {
  const { admission, log } = services;
  const { node: peer } = connecting;
  const listener = new Listener(peer.name, (error) => {
    abort.abort(error);
  });
  listener.expectWithin(helloWithinMs);
  let begun: NodeRecord | undefined;
  let opened: Opened | undefined;
  try {
    const messages = messagesUntil(call, abort.signal, sayingAgain(readMessage), () => streamTurns.turn());
    for await (const { message } of messages) {
      listener.expectWithin(silentForMs);
      if (message?.$case === 'report' && opened !== undefined) {
        await services.limits.turnToReport(peer.name, abort.signal);
        services.metrics.noteReport();
        opened.intake.take(message.value);
      } else if (message?.$case === 'hello' && opened === undefined) {
        const hello = message.value;
        if (turnAwayTwin(services, peer, hello, call)) return;
        // Until it is welcomed nothing of it is read: the silence is ours, and long where a fleet comes back.
        listener.stop();
        const node = await admission.admit(() => introduce(services.nodes, connecting, hello), abort.signal);
        begun = node;
        const session = await welcomeNode(services, { node, hello, stream: call, messages, abort });
        if (session === undefined) return;
        const turn = streamTurns.turn();
        if (turn !== undefined) await turn;
        // It may have broken meanwhile, and the agent have come again: this one must not take that one's place.
        abort.signal.throwIfAborted();
        insistNewest(services.nodes, node);
        opened = open(services, node, session);
        listener.expectWithin(silentForMs);
        log.info({ node: node.name, kernelBuild: node.kernelBuild, headSeq: hello.headSeq }, 'node connected');
      } else {
        throw new LockstepError('invalid-input', 'unexpected-message', 'An agent says hello once, then reports.');
      }
    }
  } finally {
    listener.stop();
    if (begun !== undefined) noteDeparture(services, begun, opened?.session);
  }
}

interface Opened {
  /** As it was introduced. */
  readonly node: NodeRecord;
  readonly session: NodeSession;
  readonly intake: ReportIntake;
}

/** Its epoch was begun, so others may believe that it is here, whether it was welcomed or not. */
function noteDeparture(
  { nodes, sessions, rollouts, log }: Uses<'nodes' | 'sessions' | 'rollouts' | 'log'>,
  node: NodeRecord,
  session: NodeSession | undefined,
): void {
  const nowMs = performance.now();
  const isNewest = nodes.noteDeparture(node);
  session?.close(new LockstepError('cancelled', 'ended', 'The stream has ended.'));
  // Of one that was not welcomed the stream before, wherever it was, has ended with its beginning.
  const unwelcomed = () => (isNewest ? sessions.leaveElsewhere(node.name, nowMs) : undefined);
  const lostAfterMs = session === undefined ? unwelcomed() : sessions.leave(session, nowMs);
  if (lostAfterMs === undefined) return;
  log.info({ node: node.name }, 'node gone');
  rollouts.noticeDeparture(node.cluster, lostAfterMs);
}

function open(services: Uses<Needs>, node: NodeRecord, session: NodeSession): Opened {
  const { nodes, sessions, switches, orders, rollouts, metrics, log } = services;
  let before = node.report ?? undefined;
  const onNews = (report: NodeReport): void => {
    metrics.noteNews(before, report);
    switches.note(node.name, before, report);
    before = report;
    orders.noteReport(node.name, report);
    rollouts.wake(node.cluster);
  };
  const findTwin = () => sessions.twinProblem(node.name);
  sessions.enter(session);
  session.wake();
  orders.remind(session);
  metrics.noteStream();
  rollouts.wake(node.cluster);
  return { node, session, intake: new ReportIntake({ nodes, log, node, session, findTwin, onNews }) };
}
