/** JSON over HTTPS to servers of a private authority, which `fetch` learns of at process start only. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";

export type JsonRequest = {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};
export type JsonCall = (
  url: string,
  init?: JsonRequest,
) => Promise<{ readonly status: number; readonly body: unknown }>;

export function createJsonClient(caFile: string): JsonCall & { close(): void } {
  const agent = new Agent({ ca: readFileSync(caFile), keepAlive: true });
  const call: JsonCall = (url, init = {}) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { agent, method: init.method ?? "GET", headers: init.headers ?? {} }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString("utf8");
          resolve({ status: answer.statusCode ?? 0, body: text === "" ? undefined : JSON.parse(text) });
        });
      });
      sent.on("error", reject);
      sent.end(init.body);
    });
  return Object.assign(call, { close: () => agent.destroy() });
}
