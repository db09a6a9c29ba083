/** JSON over HTTPS to servers of a private authority, which `fetch` learns of at process start only. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";

export type JsonRequest = {
  readonly method?: "GET" | "POST" | "DELETE" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};
export type JsonCall = (
  url: string,
  init?: JsonRequest,
) => Promise<{ readonly status: number; readonly body: unknown }>;

const timeoutMs = 20_000;

export function createJsonClient(caFile: string): JsonCall & { close(): void } {
  const agent = new Agent({ ca: readFileSync(caFile), keepAlive: true });
  const call: JsonCall = (url, init = {}) =>
    new Promise((resolve, reject) => {
      const method = init.method ?? "GET";
      const sent = request(url, { agent, method, headers: init.headers ?? {} }, (answer) => {
        text(answer)
          .then((body) => resolve({ status: answer.statusCode ?? 0, body: body === "" ? undefined : JSON.parse(body) }))
          .catch(reject);
      });
      sent.setTimeout(timeoutMs, () =>
        sent.destroy(new Error(`${method} ${url}: no answer in ${timeoutMs / 1000} s.`)),
      );
      sent.on("error", (error: NodeJS.ErrnoException) => {
        // A kept connection that the server closed at this very moment: nothing of the request was read.
        if (sent.reusedSocket && error.code === "ECONNRESET") resolve(call(url, init));
        else reject(error);
      });
      sent.end(init.body);
    });
  return Object.assign(call, { close: () => agent.destroy() });
}
