/** Turns an answer into status, headers and body, with Graph's form of an error. */
import { randomUUID } from "node:crypto";
import { type Answer, isRefusal, type JsonObject } from "./types.ts";

export type Rendered = { status: number; headers: Record<string, string>; body: JsonObject | undefined };

/** Renders an answer; `clientRequestId` is the caller's own id, repeated. */
export function renderAnswer(answer: Answer, clientRequestId?: string): Rendered {
  const requestId = randomUUID();
  const ids: Record<string, string> = {
    "request-id": requestId,
    ...(clientRequestId === undefined ? {} : { "client-request-id": clientRequestId }),
  };
  const body = isRefusal(answer) ? errorBody(answer, requestId, clientRequestId) : answer.body;
  const content: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  return { status: answer.status, headers: { ...ids, ...content, ...answer.headers }, body };
}

function errorBody(
  refusal: Extract<Answer, { rule: string }>,
  requestId: string,
  clientRequestId?: string,
): JsonObject {
  return {
    error: {
      code: refusal.code,
      message: refusal.message,
      ...(refusal.details === undefined ? {} : { details: refusal.details }),
      innerError: {
        date: new Date().toISOString().slice(0, 19),
        "request-id": requestId,
        "client-request-id": clientRequestId ?? requestId,
        rule: refusal.rule,
      },
    },
  };
}
