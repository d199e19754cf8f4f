// SPDX-License-Identifier: GPL-2.0-only

type Phase = 'starting' | 'running' | 'stopping';

/** Whether this control plane can answer calls now, and if not, why: one answer for `/readyz` and for gRPC's health service. */
export class PlaneReadiness {
  private phase: Phase = 'starting';
  private isDatabaseUp = true;
  private readonly listeners = new Set<() => void>();

  /** Sentences; ready if there is none. */
  get notReadyBecause(): readonly string[] {
    const reasons = [];
    if (this.phase === 'starting') reasons.push('The control plane is starting.');
    if (this.phase === 'stopping') reasons.push('The control plane is stopping.');
    if (!this.isDatabaseUp) reasons.push('The database does not answer.');
    return reasons;
  }

  get isReady(): boolean {
    return this.notReadyBecause.length === 0;
  }

  enter(phase: Phase): void {
    this.phase = phase;
    this.tell();
  }

  noteDatabase(isUp: boolean): void {
    this.isDatabaseUp = isUp;
    this.tell();
  }

  /** Calls `listener` when it may have changed, until the answer is called. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
