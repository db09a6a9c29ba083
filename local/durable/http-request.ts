/**
 * `callHttp` as the Durable extension does it: the request is an activity of a reserved name, and a 202 with a Location
 * is asked again after its Retry-After. Here stands what the walk over the actions needs: the request, and what to do
 * after an answer. The request itself goes out in `http-activity.ts`.
 */

/** The extension's name of the activity. */
export const httpActivityName = "BuiltIn::HttpActivity";

/** How long the extension waits before it asks again when the answer doesn't say. */
export const httpPollMs = 30_000;

export type HttpRequest = {
  readonly method: string;
  readonly uri: string;
  readonly content?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly hasTokenSource: boolean;
  readonly asynchronousPatternEnabled: boolean;
};

/** What the activity gives back, in the library's `DurableHttpResponse`. */
export type HttpAnswer = {
  readonly statusCode: number;
  readonly content: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
};

type Raw = { readonly [key: string]: unknown };
const isRaw = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads `httpRequest` of an action. Throws a TypeError. */
export function parseHttpRequest(raw: unknown): HttpRequest {
  if (!isRaw(raw) || typeof raw["uri"] !== "string" || typeof raw["method"] !== "string") {
    throw new TypeError("An orchestrator asked for callHttp without a method and a URL.");
  }
  const headers = isRaw(raw["headers"]) ? raw["headers"] : {};
  return {
    method: raw["method"].toUpperCase(),
    uri: raw["uri"],
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    hasTokenSource: isRaw(raw["tokenSource"]),
    asynchronousPatternEnabled: raw["asynchronousPatternEnabled"] !== false,
    ...(typeof raw["content"] === "string" ? { content: raw["content"] } : {}),
  };
}

function headerOf(answer: HttpAnswer, name: string): string | undefined {
  const found = Object.entries(answer.headers).find(([own]) => own.toLowerCase() === name)?.[1];
  return typeof found === "string" ? found : found?.[0];
}

/** The next request and the wait before it, or undefined when `answer` (JSON text) is the last word. */
export function nextPoll(
  request: HttpRequest,
  answer: string,
): { readonly delayMs: number; readonly request: HttpRequest } | undefined {
  const parsed = JSON.parse(answer) as HttpAnswer;
  const location = headerOf(parsed, "location");
  if (!request.asynchronousPatternEnabled || parsed.statusCode !== 202 || !location) return undefined;
  const seconds = Number(headerOf(parsed, "retry-after") ?? Number.NaN);
  // A function's own key is no good for the status of an instance, which wants the master key (extension issue 1141).
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== "x-functions-key"),
  );
  const { content: _content, ...rest } = request;
  return {
    delayMs: Number.isFinite(seconds) ? seconds * 1000 : httpPollMs,
    request: { ...rest, method: "GET", uri: location, headers },
  };
}
