// SPDX-License-Identifier: GPL-2.0-only
import type { ConnectRequest, Hello, NodeReport } from '@lockstep/contracts/generated';
import { LockstepError, parseKernelBuildId, type NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import type { AgentStream } from '../agents/agent-session';
import type { NodeSession } from '../agents/node-session';
import { messagesUntil } from '../grpc/messages-until';
import type { Services } from '../services';
import { welcomeNode } from './welcome-node';

/** An agent says hello at once and reports as a heartbeat; one that is silent for longer hangs. */
const helloWithinMs = 15_000;
const silentForMs = 60_000;
/** Far more versions than there will be; a node's word is kept, so it has a limit. */
const mostEntryVersions = 64;

export type AgentCall = AgentStream & AsyncIterable<ConnectRequest>;

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

async function introduce(services: Services, node: NodeRecord, hello: Hello): Promise<NodeRecord> {
  const { kernelBuildId, kernelRelease, agentVersion, bootId, patchedCore } = hello;
  const entryVersions = hello.entryVersions.slice(0, mostEntryVersions);
  const kernelBuild = parseKernelBuildId(kernelBuildId);
  const about = { kernelBuild, kernelRelease, agentVersion, bootId, patchedCore, entryVersions };
  return services.db.nodes.introduce(node.name, about);
}

/** Keeps a report. A heartbeat that says nothing new only counts as a sign of life. */
async function takeReport(services: Services, node: NodeRecord, report: NodeReport, last: string): Promise<string> {
  const text = JSON.stringify(report);
  if (text === last) {
    await services.db.nodes.touch(node.name);
  } else {
    await services.db.nodes.report(node.name, report);
    services.rollouts.wake(node.cluster);
  }
  return text;
}

/** One conversation with one node, from its hello to the end of the stream. `abort` ends it from our side. */
export async function connect(
  services: Services,
  peer: NodeRecord,
  call: AgentCall,
  abort: AbortController,
): Promise<void> {
  const { db, sessions, rollouts, log } = services;
  const listener = new Listener(peer.name, (error) => {
    abort.abort(error);
  });
  listener.expectWithin(helloWithinMs);
  let session: NodeSession | undefined;
  let lastReport = '';
  try {
    const messages = messagesUntil(call, abort.signal);
    for await (const { message } of messages) {
      listener.expectWithin(silentForMs);
      if (message?.$case === 'report' && session !== undefined) {
        lastReport = await takeReport(services, peer, session.seen(message.value), lastReport);
      } else if (message?.$case === 'hello' && session === undefined) {
        const node = await introduce(services, peer, message.value);
        session = await welcomeNode(services, { node, hello: message.value, stream: call, messages, abort });
        if (session === undefined) return;
        sessions.enter(session);
        session.wake();
        rollouts.wake(node.cluster);
        log.info({ node: node.name, kernelBuild: node.kernelBuild, headSeq: message.value.headSeq }, 'node connected');
      } else {
        throw new LockstepError('invalid-input', 'unexpected-message', 'An agent says hello once, then reports.');
      }
    }
  } finally {
    listener.stop();
    if (session !== undefined && sessions.leave(session, performance.now())) {
      session.close(new LockstepError('cancelled', 'ended', 'The stream has ended.'));
      log.info({ node: peer.name }, 'node gone');
      // Not waited for: the stream's last word must not wait for a slow database.
      db.nodes.touch(peer.name).catch((err: unknown) => {
        log.warn({ err, node: peer.name }, 'could not note when a node was seen last');
      });
      rollouts.noticeDeparture(peer.cluster);
    }
  }
}
