/**
 * The activity behind `callHttp`: sends one request and gives the answer back, whatever its status. Like the
 * extension's `TaskHttpActivityShim`: text content by default, no multipart, redirects followed, an answer's headers in
 * their own spelling without those of its content. No managed identity: a token source fails the call.
 */

import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { HttpAnswer, HttpRequest } from "./http-request.ts";

const mostRedirects = 50;
/** .NET keeps these with the content, and the extension doesn't pass them on. */
const contentHeader = /^(content-.*|allow|expires|last-modified)$/i;

function send(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(request.uri);
  const headers: Record<string, string> = { ...request.headers };
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type");
  if (type?.[1].includes("multipart")) throw new Error("Multipart content is not supported with CallHttpAsync.");
  if (request.content !== undefined) {
    if (type === undefined) headers["Content-Type"] = "text/plain";
    headers["Content-Length"] = String(Buffer.byteLength(request.content));
  } else if (type !== undefined) {
    delete headers[type[0]];
  }
  const make = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const call = make(url, { method: request.method, headers, signal }, resolve);
    call.on("error", reject);
    call.end(request.content);
  });
}

function redirected(request: HttpRequest, answer: IncomingMessage): HttpRequest | undefined {
  const { statusCode = 0, headers } = answer;
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  const uri = new URL(headers.location, request.uri).href;
  const keepsMethod = statusCode >= 307 || ["GET", "HEAD"].includes(request.method);
  if (keepsMethod) return { ...request, uri };
  const { content: _content, ...rest } = request;
  return { ...rest, uri, method: "GET" };
}

function headersOf(answer: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    const [name = "", value = ""] = answer.rawHeaders.slice(i, i + 2);
    if (contentHeader.test(name)) continue;
    const known = headers[name];
    headers[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
  }
  return headers;
}

/** Takes and gives JSON text. Rejects when no answer came, with the network's own message. */
export async function runHttpActivity(input: string | null, signal: AbortSignal): Promise<string> {
  let request = JSON.parse(input ?? "null") as HttpRequest;
  if (request.hasTokenSource) {
    throw new Error(
      `callHttp of ${request.uri} asks for a token of a managed identity, and the local engine has none. Send the header yourself, or run it on Azure.`,
    );
  }
  for (let redirects = 0; ; redirects += 1) {
    const answer = await send(request, signal);
    const next = redirects < mostRedirects ? redirected(request, answer) : undefined;
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part as Buffer);
    if (next === undefined) {
      const result: HttpAnswer = {
        statusCode: answer.statusCode ?? 0,
        content: Buffer.concat(parts).toString("utf8"),
        headers: headersOf(answer),
      };
      return JSON.stringify(result);
    }
    request = next;
  }
}
