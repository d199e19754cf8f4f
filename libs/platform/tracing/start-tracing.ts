// SPDX-License-Identifier: GPL-2.0-only
import { context, trace } from '@opentelemetry/api';
import { lockstepVersion } from '@lockstep/platform/runtime';

type Environment = Readonly<NodeJS.ProcessEnv>;

/** As every program with OpenTelemetry is told: off unless somebody says where spans go. */
export const isTracingWanted = (env: Environment): boolean =>
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT']);

/**
 * Sends spans by OTLP over HTTP (JSON) where the standard variables say; the library reads those itself. Whoever is to receive
 * them may be away: they are dropped then, and nothing waits.
 * @returns what sends the last ones, to be called at the end
 */
export async function startTracing(service: string, env: Environment): Promise<() => Promise<void>> {
  if (!isTracingWanted(env)) return () => Promise.resolve();
  // Loaded only where it is wanted: it takes longer than some commands.
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': lockstepVersion }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return () => provider.shutdown().catch(() => undefined);
}
