/**
 * A `fetch` whose every exchange is a span: method, host, what was answered, and the ids by which whoever answers knows the request.
 * No path: it holds names. Nothing is added to what is sent: the trace's id stays with us.
 */
import type { Telemetry } from "../../ports/telemetry.ts";

export function watchFetch(given: typeof fetch, telemetry: Telemetry, name: string): typeof fetch {
  return (input, init) => {
    const method = init?.method ?? "GET";
    const url = new URL(input instanceof Request ? input.url : input);
    const isBatch = url.pathname.endsWith("/$batch");
    const clientRequestId = new Headers(init?.headers).get("client-request-id") ?? undefined;
    const attributes = {
      ...{ "http.request.method": method, "server.address": url.hostname, batch: isBatch },
      clientRequestId,
    };
    return telemetry.span(name, { kind: "client", attributes }, async (span) => {
      const response = await given(input, init);
      span.set({
        "http.response.status_code": response.status,
        requestId: response.headers.get("request-id") ?? undefined,
      });
      if (response.status >= 400) span.fail(String(response.status));
      return response;
    });
  };
}
