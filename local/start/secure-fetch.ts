/**
 * `fetch` to the local servers from a process that was not told of their certificate authority: Node reads
 * NODE_EXTRA_CA_CERTS at process start only, and at first start there is no authority yet.
 */
import { Agent, request } from "node:https";

export type SecureFetch = (url: string, init?: SecureInit) => Promise<Response>;

export interface SecureInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const TIMEOUT_MS = 60_000;
const NO_BODY = [204, 205, 304];

export function createSecureFetch(ca: string): SecureFetch {
  // No connection is kept: one that a restarted host closed would fail the next request.
  const agent = new Agent({ ca, maxSockets: 8 });
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { agent, method: init.method ?? "GET", headers: init.headers ?? {} }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const status = answer.statusCode ?? 0;
          const headers = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
            value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
          );
          resolve(new Response(NO_BODY.includes(status) ? null : Buffer.concat(chunks), { status, headers }));
        });
      });
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error(`${url} did not answer in ${TIMEOUT_MS / 1000} s`)));
      sent.on("error", reject);
      sent.end(init.body);
    });
}
