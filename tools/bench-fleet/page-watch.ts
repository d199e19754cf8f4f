// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperatorClient } from '@lockstep/io/rpc-client';

/** How long pages of lists took, those that were asked for since this was asked last. */
export interface PageFigures {
  readonly pages: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** As an operator's screens do who looks at a fleet. */
const askEveryMs = 250;
const deadline = { deadlineMs: 60_000 };

type AskPage = () => Promise<unknown>;

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export function pageFigures(tookMs: readonly number[]): PageFigures {
  const sorted = [...tookMs].sort((a, b) => a - b);
  return {
    pages: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    longestMs: sorted.at(-1) ?? 0,
  };
}

/** Page after page of each list, from the first again after the last. */
function listsOf({ fleet, build }: OperatorClient, cluster: string): AskPage[] {
  const paging = (
    list: (pageToken: string | undefined) => Promise<{ readonly nextPageToken?: string | undefined }>,
  ): AskPage => {
    let next: string | undefined;
    return async () => {
      const pageToken = next;
      next = undefined;
      next = (await list(pageToken)).nextPageToken;
    };
  };
  return [
    paging((pageToken) => fleet.listNodes({ cluster, selector: '', pageToken }, deadline)),
    paging((pageToken) => fleet.listRollouts({ cluster, pageToken }, deadline)),
    paging((pageToken) => build.listPatches({ pageToken }, deadline)),
    paging((pageToken) => build.listBuilds({ pageToken }, deadline)),
  ];
}

/** Asks for pages of lists while something else goes on, one at a time, and notes how long each takes. */
export class PageWatch {
  private tookMs: number[] = [];
  private asking: Promise<void> | undefined;
  private isOver = false;

  constructor(
    private readonly operator: OperatorClient,
    private readonly cluster: string,
  ) {}

  begin(): void {
    this.isOver = false;
    this.tookMs = [];
    this.asking = this.askOnAndOn();
  }

  async end(): Promise<PageFigures> {
    this.isOver = true;
    await this.asking;
    return pageFigures(this.tookMs);
  }

  private async askOnAndOn(): Promise<void> {
    const lists = listsOf(this.operator, this.cluster);
    for (let turn = 0; !this.isOver; turn += 1) {
      const startedAt = performance.now();
      // One that fails has no time: who measures sees that there are fewer.
      await lists[turn % lists.length]?.().then(
        () => this.tookMs.push(performance.now() - startedAt),
        () => undefined,
      );
      await sleep(askEveryMs);
    }
  }
}
