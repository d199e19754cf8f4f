// SPDX-License-Identifier: GPL-2.0-only
import { deliveriesAtOnce } from '@lockstep/io/job-queue';

/** Of one endpoint. */
const mostAtOnce = 4;
/** Of one that did not take what it was sent last: each may take all the time that an answer has. */
const mostAtFailing = 1;
/** Of all that did not: half of the places are for those that do. */
const mostAtAllFailing = deliveriesAtOnce / 2;

/** One that finds no place comes again after this, and each that waits for the same endpoint so much after the one before. */
const firstWaitMs = 1_000;
const turnMs = 50;

interface Endpoint {
  busy: number;
  isFailing: boolean;
  /** When the last of those that wait comes again. */
  lastTurnMs: number;
}

/**
 * Who may be sent to now: an endpoint that hangs, with thousands of events waiting for it, takes no places from others, and
 * what waits comes in turn and not all at once.
 */
export class EndpointPlaces {
  private readonly endpoints = new Map<string, Endpoint>();
  private atFailing = 0;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** @returns a place, which its `leave` gives back; or after how many ms to ask again. */
  take(name: string): { readonly leave: (isTaken: boolean) => void } | { readonly againAfterMs: number } {
    const endpoint = this.endpoints.get(name) ?? { busy: 0, isFailing: false, lastTurnMs: 0 };
    this.endpoints.set(name, endpoint);
    const { busy, isFailing } = endpoint;
    const isFull =
      busy >= (isFailing ? mostAtFailing : mostAtOnce) || (isFailing && this.atFailing >= mostAtAllFailing);
    if (isFull) {
      const nowMs = this.nowMs();
      endpoint.lastTurnMs = Math.max(endpoint.lastTurnMs + turnMs, nowMs + firstWaitMs);
      return { againAfterMs: endpoint.lastTurnMs - nowMs };
    }
    endpoint.busy += 1;
    if (isFailing) this.atFailing += 1;
    return {
      leave: (isTaken) => {
        endpoint.busy -= 1;
        if (isFailing) this.atFailing -= 1;
        endpoint.isFailing = !isTaken;
        if (isTaken && endpoint.busy === 0) this.endpoints.delete(name);
      },
    };
  }
}
