// SPDX-License-Identifier: GPL-2.0-only
import { operatorCalls, type OperatorCallName } from '@lockstep/contracts/wire';
import { denial, may } from '@lockstep/domain/access';
import type { AuditEvent } from '@lockstep/domain/audit';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { eventOf, isAudited } from '../audit/call-audit';
import type { Uses } from '../services';
import { resourceOf, type ResourceFinder } from './call-resources';
import type { CallContext } from './call-route';

/** What is written down of a call, but for how it ended. */
export type CallRecord = Omit<AuditEvent, 'result'>;

/** Of a call that its caller may make. */
export interface GuardedContext extends CallContext {
  readonly record: CallRecord;
}

type Needs = Uses<ResourceFinder | 'audit' | 'log'>;

const resultOf = (error: unknown): string => (error instanceof LockstepError ? error.reason : 'internal');

/**
 * What comes before every route of the operators' port and after it: whether the caller may do this to what the request is about, and
 * what is written down of it. A `keyed` call's record is written by its store, with what it does; of any other before it
 * is begun. What fails is written down afterwards.
 */
export class CallGuard {
  private readonly call: (typeof operatorCalls)[OperatorCallName];

  constructor(
    private readonly services: Needs,
    private readonly name: OperatorCallName,
    private readonly path: string,
  ) {
    this.call = operatorCalls[name];
  }

  async *events<T>(
    request: unknown,
    context: CallContext,
    route: (context: GuardedContext) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const guarded = await this.admit(request, context);
    try {
      yield* route(guarded);
    } catch (error) {
      await this.noteFailure(guarded.record, error);
      throw error;
    }
  }

  async answer<T>(request: unknown, context: CallContext, route: (context: GuardedContext) => Promise<T>): Promise<T> {
    const guarded = await this.admit(request, context);
    try {
      return await route(guarded);
    } catch (error) {
      await this.noteFailure(guarded.record, error);
      throw error;
    } finally {
      if (isAudited(this.call.verb)) this.services.audit.wake();
    }
  }

  /** @throws LockstepError `forbidden` `not-allowed`. */
  private async admit(request: unknown, context: CallContext): Promise<GuardedContext> {
    const { caller, metadata } = context;
    const { verb, repeat } = this.call;
    const resource = await resourceOf(this.services, this.name, request);
    const record = eventOf({ path: this.path, caller, metadata, request, resource });
    if (!may(caller.identity, verb, resource)) {
      this.services.audit.noteDenial(record);
      throw denial(caller.identity, verb, resource);
    }
    if (isAudited(verb) && repeat !== 'keyed') await this.services.audit.record({ ...record, result: 'begun' });
    return { ...context, record };
  }

  private async noteFailure(record: CallRecord, error: unknown): Promise<void> {
    if (!isAudited(this.call.verb)) return;
    await this.services.audit.record({ ...record, result: resultOf(error) }).catch((err: unknown) => {
      this.services.log.error({ err, record }, 'cannot write down that a call failed');
    });
  }
}
