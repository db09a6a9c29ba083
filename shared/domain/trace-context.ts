/** A W3C `traceparent`: which trace, and which span of it. What isn't one is none: a header from outside is never trusted further. */
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** Undefined for anything that isn't a whole and valid `traceparent`. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  const [, traceId = "", spanId = ""] = (typeof text === "string" && FORM.exec(text)) || [];
  return /[^0]/.test(traceId) && /[^0]/.test(spanId) ? { traceId, spanId } : undefined;
}

/** Always marked as sampled: nothing of ours is left to chance. */
export function traceparentOf({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}
