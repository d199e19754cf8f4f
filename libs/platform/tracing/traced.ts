// SPDX-License-Identifier: GPL-2.0-only
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** `00-<trace id>-<span id>-<flags>` (W3C Trace Context): how a trace travels in metadata, job data, messages, environments. */
export type TraceParent = string;

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Undefined for what is no trace, as a peer may send: then a new one begins. */
function spanContextFrom(parent: TraceParent | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = form.exec(parent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true };
}

const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

export interface SpanOptions {
  /** Where it hangs; under the span that is active here if undefined. */
  readonly parent?: TraceParent | undefined;
  /** Other traces that it has to do with. */
  readonly links?: readonly (TraceParent | undefined)[];
  readonly kind?: keyof typeof kinds;
  readonly attributes?: Attributes;
}

const tracer = () => trace.getTracer('lockstep');

function contextUnder(parent: TraceParent | undefined): Context {
  if (parent === undefined) return context.active();
  const spanContext = spanContextFrom(parent);
  return spanContext === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext);
}

const linksTo = (others: SpanOptions['links']) =>
  (others ?? []).flatMap((other) => {
    const linked = spanContextFrom(other);
    return linked === undefined ? [] : [{ context: linked }];
  });

/** Does `work` within a span, which ends with it, as it ends. Without tracing it is `work` alone. */
export function traced<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const { parent, links, kind = 'internal', attributes = {} } = options;
  const about = { kind: kinds[kind], attributes, links: linksTo(links) };
  return tracer().startActiveSpan(name, about, contextUnder(parent), async (span) => {
    try {
      return await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      if (error instanceof LockstepError) span.setAttribute('lockstep.reason', error.reason);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A span of what is over, from `beganAtMs` (time of day) until now. */
export function recordSpan(name: string, beganAtMs: number, options: SpanOptions): void {
  const { parent, links, kind = 'internal', attributes = {} } = options;
  const about = { kind: kinds[kind], attributes, links: linksTo(links), startTime: beganAtMs };
  tracer().startSpan(name, about, contextUnder(parent)).end();
}

/** The span that is active here has to do with another trace. */
export function linkTo(other: TraceParent | undefined): void {
  const linked = spanContextFrom(other);
  if (linked !== undefined) trace.getActiveSpan()?.addLink({ context: linked });
}

/** To hand on; undefined where nothing is traced. */
export function activeTrace(): TraceParent | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return `00-${span.traceId}-${span.spanId}-01`;
}
