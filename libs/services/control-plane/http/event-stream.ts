// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperatorPath } from '@lockstep/contracts/wire';
import { drained } from '../grpc/drained';
import { inGroups } from './coalesced';
import { problemOf } from './problem';

/** Twice a second is as often as eyes follow. */
const everyMs = 500;
/** Proxies cut connections on which nothing comes. */
const stillHereMs = 15_000;
/** A watch on which nothing has happened by then has begun: what refuses it comes sooner. */
const beganAfterMs = 1_000;
const drainWithinMs = 30_000;
/** How soon a browser that lost the connection comes again. */
const comeAgainMs = 1_000;

interface Event {
  readonly id: string | undefined;
  readonly data: string;
}

/** What a client that has seen an event names when it comes again: of a state a digest of it, of a step where it ended. */
function eventOf(json: unknown, { events, resume }: OperatorPath): Event {
  const data = JSON.stringify(json);
  if (events === 'states') return { id: createHash('sha256').update(data).digest('hex').slice(0, 32), data };
  const place = resume === undefined ? undefined : (json as Readonly<Record<string, number | undefined>>)[resume.by];
  return { id: place?.toString(), data };
}

/** Of states that come in quick succession only the last is news. */
const newsOf = (group: readonly unknown[], { events }: OperatorPath): readonly unknown[] =>
  events === 'states' ? group.slice(-1) : group;

const written = ({ id, data }: Event): string => `${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`;

export interface EventSource {
  readonly place: OperatorPath;
  readonly messages: AsyncIterable<unknown>;
  /** The last event that the client has seen. */
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
  readonly log: (error: unknown) => void;
}

/**
 * Sends them as server-sent events (HTML Living Standard, 9.2), at most twice a second, at the reader's pace. An error at once is
 * thrown; later it is an event of its own, for the status has been sent.
 */
export async function sendEvents(response: ServerResponse, source: EventSource): Promise<void> {
  const { place, messages, lastEventId, signal, log } = source;
  const write = async (text: string): Promise<void> => {
    if (!response.write(text)) await drained(response, { reader: 'The caller', withinMs: drainWithinMs, signal });
  };
  const groups = inGroups(messages, everyMs);
  const first = groups.next();
  await Promise.race([first, sleep(beganAfterMs, undefined, { ref: false })]);
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const stillHere = setInterval(() => response.write(': still here\n\n'), stillHereMs);
  let seen = lastEventId;
  try {
    await write(`retry: ${comeAgainMs}\n\n`);
    for (let group = await first; group.done !== true; group = await groups.next()) {
      for (const json of newsOf(group.value, place)) {
        const event = eventOf(json, place);
        if (place.events === 'states' && event.id === seen) continue;
        seen = event.id;
        await write(written(event));
      }
    }
    // Without it a browser takes the end for a lost connection, and comes again for ever.
    await write('event: end\ndata: {}\n\n');
  } catch (error) {
    if (!signal.aborted) {
      log(error);
      // Whoever does not read is told nothing more.
      if (response.writableNeedDrain) response.destroy();
      else await write(`event: problem\ndata: ${JSON.stringify(problemOf(error))}\n\n`);
    }
  } finally {
    clearInterval(stillHere);
    response.end();
    // What waits for room to be told would wait for ever, and its source with it.
    groups.return(undefined).catch(() => undefined);
  }
}
