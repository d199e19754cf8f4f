// SPDX-License-Identifier: GPL-2.0-only

export interface AnswersDueOptions {
  readonly most: number;
  /** Whoever takes longer than this does not count any more. */
  readonly withinMs: number;
  /** There is room again. */
  readonly onRoom: () => void;
  readonly nowMs?: () => number;
}

/**
 * What has been begun with others, whose answers may all come at once: no more is begun than can be answered in one turn of
 * the event loop. Where they answer soon that is no limit; where they answer late, together, it keeps the pace that they can
 * keep. Who does not answer in time holds up nobody: its answer may come with many others then.
 */
export class AnswersDue {
  /** Since when; who began first is first. */
  private readonly due = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private readonly nowMs: () => number;

  constructor(private readonly options: AnswersDueOptions) {
    this.nowMs = options.nowMs ?? (() => performance.now());
  }

  begin(key: string): void {
    this.due.delete(key);
    this.due.set(key, this.nowMs());
  }

  /** It has answered, or never will. */
  end(key: string): void {
    const { most, onRoom } = this.options;
    const wasFull = this.due.size >= most;
    if (this.due.delete(key) && wasFull) onRoom();
  }

  /** Otherwise it is told when there is. */
  hasRoom(): boolean {
    const { most, withinMs, onRoom } = this.options;
    const nowMs = this.nowMs();
    for (const [key, sinceMs] of this.due) {
      if (nowMs - sinceMs < withinMs) break;
      this.due.delete(key);
    }
    if (this.due.size < most) return true;
    const [oldest = nowMs] = this.due.values();
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        onRoom();
      },
      Math.max(1, oldest + withinMs - nowMs),
    );
    return false;
  }

  /** Tells nothing any more. */
  stop(): void {
    clearTimeout(this.timer);
    this.due.clear();
  }
}
