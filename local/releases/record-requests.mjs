/**
 * Loaded into an agent while a release is recorded: writes down what it asks of the service and what that answers, a JSON
 * line each, to UPLINK_RECORDING_FILE. Proofs stay out, and bodies are written inflated.
 */
import { appendFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const file = process.env["UPLINK_RECORDING_FILE"] ?? "";
const send = globalThis.fetch;

globalThis.fetch = async (url, init = {}) => {
  const answer = await send(url, init);
  const isGzip = new Headers(init.headers).get("content-encoding") === "gzip";
  const body = Buffer.from(init.body ?? "");
  const line = {
    method: init.method ?? "GET",
    path: new URL(String(url)).pathname,
    isGzip,
    body: JSON.parse((isGzip ? gunzipSync(body) : body).toString("utf8")),
    status: answer.status,
    reply: await answer
      .clone()
      .json()
      .catch(() => null),
  };
  appendFileSync(file, `${JSON.stringify(line)}\n`);
  return answer;
};
