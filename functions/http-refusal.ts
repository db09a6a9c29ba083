/** What is answered when a request can't be served: Graph's error shape, with the remedy and the `request-id`. */
import type { HttpResponseInit } from "@azure/functions";
import { type Failure, fail, type Result } from "../shared/application/failure.ts";
import type { ErrorReply } from "../shared/contracts/agent-api.ts";
import { StorageError } from "../shared/ports/row-store.ts";
import type { RouteReply, RouteRequest } from "./http-route.ts";

/** What failed is named, details of it stay in the log. */
export function unavailable(error: unknown): Failure {
  const isStorage = error instanceof StorageError && error.retriable;
  return {
    status: 503,
    code: isStorage ? "storage-unreachable" : "service-unavailable",
    message: isStorage ? "The service can't reach its storage now." : "The service could not do that now.",
    remedy: "Try again later; the request-id finds the reason in the log.",
    retryAfterSeconds: 5,
  };
}

export function tooLarge(maximumBytes: number): Result<RouteReply> {
  return fail({
    status: 413,
    code: "payload-too-large",
    message: `The body has more than ${maximumBytes} bytes.`,
    remedy: "Send less at once.",
  });
}

/** There is no such operation: nothing at that path, or not by that method. */
export function unknownPath({ method, signed: { path } }: RouteRequest): Failure {
  return {
    status: 404,
    code: "path-unknown",
    message: `There is no operation ${method} ${path.length > 200 ? `${path.slice(0, 200)}…` : path}.`,
    remedy: "Look at /api/v1.0/openapi.json: it has every path with its methods.",
  };
}

/** `headers`: of the answer, `request-id` and `client-request-id` among them. */
export function refusal(failure: Failure, headers: Readonly<Record<string, string>>): HttpResponseInit {
  const { code, message, remedy, details, expected, retryAfterSeconds } = failure;
  const body: ErrorReply = {
    error: {
      code,
      message,
      remedy,
      ...(details ? { details: [...details] } : {}),
      ...(expected ? { expected } : {}),
      innerError: { ...idsOf(headers), date: new Date().toISOString() },
    },
  };
  return {
    status: failure.status,
    headers: retryAfterSeconds === undefined ? headers : { ...headers, "retry-after": String(retryAfterSeconds) },
    jsonBody: body,
  };
}

function idsOf(headers: Readonly<Record<string, string>>) {
  const ids = ["request-id", "client-request-id"] as const;
  return Object.fromEntries(ids.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}
