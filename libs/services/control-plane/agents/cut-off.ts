// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { OpenCalls } from '../grpc/open-calls';
import type { AgentSessions } from './agent-sessions';

interface UnderWay {
  readonly sessions: Pick<AgentSessions, 'find' | 'leaveElsewhere'>;
  readonly calls: Pick<OpenCalls, 'endOf'>;
}

/** Of a node that was removed: ends its stream, if it has one here, and all else that is under way: downloads go on for minutes. */
export function cutOff({ sessions, calls }: UnderWay, name: NodeName): void {
  const message = `Node "${name}" was removed: let it join again if it is to come back (lockstep node join).`;
  const reason = new LockstepError('forbidden', 'node-removed', message, { node: name });
  sessions.find(name)?.close(reason);
  // Whoever holds its stream ends it likewise, and has no row left to tell so.
  sessions.leaveElsewhere(name, performance.now());
  calls.endOf(name, reason);
}
