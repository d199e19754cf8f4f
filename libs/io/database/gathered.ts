// SPDX-License-Identifier: GPL-2.0-only

interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface GatheredOptions<Asked, Answer> {
  /** Answers all of them, in their order. What it throws is thrown to each. */
  readonly work: (asked: readonly Asked[]) => Promise<readonly Answer[]>;
  /** Two of the same key never go together: the later one is asked after the earlier one's answer. */
  readonly keyOf: (asked: Asked) => string;
  readonly mostAtOnce: number;
}

/** Makes one statement of many calls: while one is under way, those that come meanwhile wait, and go together. */
export function gathered<Asked, Answer>({ work, keyOf, mostAtOnce }: GatheredOptions<Asked, Answer>) {
  let waiting: Waiting<Asked, Answer>[] = [];
  let isRunning = false;

  function takeNext(): Waiting<Asked, Answer>[] {
    const next = new Map<string, Waiting<Asked, Answer>>();
    const later: Waiting<Asked, Answer>[] = [];
    for (const each of waiting) {
      const key = keyOf(each.asked);
      if (next.size < mostAtOnce && !next.has(key)) next.set(key, each);
      else later.push(each);
    }
    waiting = later;
    return [...next.values()];
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const together = takeNext();
      try {
        const answers = await work(together.map(({ asked }) => asked));
        together.forEach(({ resolve }, index) => {
          resolve(answers[index] as Answer);
        });
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    isRunning = false;
  }

  return (asked: Asked): Promise<Answer> =>
    new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject });
      if (!isRunning) run().catch(reject);
    });
}
