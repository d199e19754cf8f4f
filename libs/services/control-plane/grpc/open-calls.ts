// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';

export type CallShape = 'unary' | 'stream';

interface OpenCall {
  readonly shape: CallShape;
  /** By what it was let in: the id of an access token, or the node whose certificate it was. */
  readonly proof: string | undefined;
}

interface Cancellable {
  on(event: 'cancelled', listener: () => void): unknown;
}

/** The calls under way: a planned stop ends them with its own reason, which a transport that is cut could not tell. */
export class OpenCalls {
  private readonly calls = new Map<AbortController, OpenCall>();

  /** Aborts when the caller has gone or `end` is called. Forget it with `close`. */
  open(call: Cancellable, shape: CallShape, proof?: string): AbortController {
    const abort = new AbortController();
    this.calls.set(abort, { shape, proof });
    call.on('cancelled', () => {
      abort.abort();
    });
    return abort;
  }

  close(abort: AbortController): void {
    this.calls.delete(abort);
  }

  end(shape: CallShape, reason: LockstepError): void {
    for (const [abort, each] of this.calls) if (each.shape === shape) abort.abort(reason);
  }

  /** Ends what was let in by this. */
  endOf(proof: string, reason: LockstepError): void {
    for (const [abort, each] of this.calls) if (each.proof === proof) abort.abort(reason);
  }
}
