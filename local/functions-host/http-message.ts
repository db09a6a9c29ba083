/**
 * Between Node's HTTP and the RPC form of a request and a response. Bodies are bytes from end to end: nothing is
 * decoded, inflated or re-encoded on the way.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RouteParams } from "./route-template.ts";
import type { HttpCookie, HttpData, NullableString, TypedData } from "./rpc.ts";

export class BodyTooLarge extends Error {}

/** Reads a body, holding at most `limit` bytes of it. Rejects with `BodyTooLarge` as soon as it is known to be larger. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > limit) throw new BodyTooLarge();
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    if (!(piece instanceof Buffer)) continue;
    size += piece.length;
    if (size > limit) throw new BodyTooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

const nullable = (values: Iterable<readonly [string, string]>): Record<string, NullableString> =>
  Object.fromEntries([...values].map(([name, value]) => [name, { value }]));

/** Repeated headers and query parameters arrive joined by a comma, as ASP.NET's `StringValues` prints them. */
function joined(values: Iterable<readonly [string, string]>): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of values) {
    const before = all.get(name);
    all.set(name, before === undefined ? value : `${before},${value}`);
  }
  return all;
}

function* headerPairs(request: IncomingMessage): Iterable<readonly [string, string]> {
  const raw = request.rawHeaders;
  for (let at = 0; at + 1 < raw.length; at += 2) yield [(raw[at] ?? "").toLowerCase(), raw[at + 1] ?? ""];
}

export function toHttpData(request: IncomingMessage, url: URL, params: RouteParams, body: Buffer): HttpData {
  return {
    method: request.method ?? "GET",
    url: url.href,
    nullableHeaders: nullable(joined(headerPairs(request))),
    nullableQuery: nullable(joined(url.searchParams)),
    nullableParams: nullable(Object.entries(params)),
    body: body.length === 0 ? null : { bytes: body },
  };
}

function setCookie(cookie: HttpCookie): string {
  const parts = [`${cookie.name ?? ""}=${encodeURIComponent(cookie.value ?? "")}`];
  if (cookie.expires !== undefined) {
    parts.push(`expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`);
  }
  if (cookie.maxAge !== undefined) parts.push(`max-age=${cookie.maxAge.value}`);
  if (cookie.domain !== undefined) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? "/"}`);
  if (cookie.secure?.value === true) parts.push("secure");
  if (cookie.sameSite === "lax" || cookie.sameSite === "strict") parts.push(`samesite=${cookie.sameSite}`);
  if (cookie.sameSite === "explicitNone") parts.push("samesite=none");
  if (cookie.httpOnly?.value === true) parts.push("httponly");
  return parts.join("; ");
}

/** The host frames the message itself. */
const ownHeaders = new Set(["content-length", "transfer-encoding", "connection", "keep-alive"]);

function bodyBytes(body: TypedData | null | undefined): Buffer {
  if (body?.bytes !== undefined) return Buffer.from(body.bytes);
  return Buffer.from(body?.string ?? body?.json ?? "");
}

/** Writes what an HTTP function returned. Nothing returned is 204, as ASP.NET answers for a null result. */
export function sendHttpData(response: ServerResponse, data: HttpData | undefined): void {
  if (data === undefined) {
    response.writeHead(204).end();
    return;
  }
  for (const [name, value] of Object.entries(data.headers ?? {})) {
    if (!ownHeaders.has(name.toLowerCase())) response.setHeader(name, value);
  }
  const cookies = (data.cookies ?? []).map(setCookie);
  if (cookies.length > 0) {
    const own = response.getHeader("set-cookie");
    response.setHeader("set-cookie", own === undefined ? cookies : [String(own), ...cookies]);
  }
  const status = Number(data.statusCode ?? 200);
  const body = bodyBytes(data.body);
  const bodiless = status === 204 || status === 304;
  if (!bodiless) response.setHeader("content-length", body.length);
  response.writeHead(status);
  response.end(bodiless ? undefined : body);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  const type = body === undefined ? {} : { "content-type": "application/json; charset=utf-8" };
  response.writeHead(status, { ...type, ...headers, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
