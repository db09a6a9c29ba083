/**
 * One call of Graph from its path to its answer: route, permission, ordered faults, limits, body, handler.
 * The HTTP server and `$batch` both end here, so that a batched call and a lone one are the same.
 */
import type { Directory } from "./directory.ts";
import { insufficient } from "./directory.ts";
import type { Faults } from "./faults.ts";
import type { Quota } from "./quota.ts";
import { findRoute, type Route } from "./routes.ts";
import { type Refusal, refuse } from "./rules.ts";
import { increase, type Stats } from "./stats.ts";
import { type Answer, type Caller, isJsonObject, isRefusal } from "./types.ts";

/** A call as it arrives. `url` is relative to the service root, without a leading slash; `body` is parsed JSON. */
type RawCall = {
  method: string;
  url: string;
  header(name: string): string | undefined;
  body: unknown;
  caller: Caller;
};

export type Service = { execute(raw: RawCall): Answer };

export function createService(deps: {
  directory: Directory;
  quota: Quota;
  faults: Faults;
  stats: () => Stats;
  root: () => string;
}): Service {
  const { directory, quota, faults } = deps;

  function answer(raw: RawCall, route: Route, values: readonly string[], query: ReadonlyMap<string, string>): Answer {
    if (!route.permissions.some((permission) => raw.caller.permissions.has(permission))) {
      return refuse("permission-required", insufficient, {
        details: [{ code: "MissingPermission", message: `One of ${route.permissions.join(", ")} is needed.` }],
      });
    }
    const text = () => `${raw.method} ${raw.url} ${raw.body === undefined ? "" : JSON.stringify(raw.body)}`;
    const fault = faults.refuse({ method: raw.method, write: route.write, text });
    if (fault) return fault;
    const { applicationId } = raw.caller;
    const booked = quota.book({ write: route.write, units: route.units, applicationId });
    if ("rule" in booked) return booked;
    const body = raw.body === undefined && route.body !== "required" ? {} : raw.body;
    if (!isJsonObject(body)) return refuseUnreadable();
    const segments = raw.url.split("?", 1)[0]?.split("/") ?? [];
    const call = { ...raw, body, segments, query, root: deps.root() };
    const result = route.handle(call, directory, values[0] ?? "", values[1] ?? "");
    return { ...result, headers: { ...booked.headers, ...result.headers } };
  }

  return {
    execute(raw) {
      const stats = deps.stats();
      stats.calls++;
      const parsed = parseUrl(raw.url);
      const found = parsed ? findRoute(raw.method, parsed.segments) : refuseAddress(raw.url);
      if ("rule" in found || !parsed) return count(stats, "rule" in found ? found : refuseAddress(raw.url), false);
      const { route, values } = found;
      return count(stats, answer(raw, route, values, parsed.query), route.write);
    },
  };
}

function count(stats: Stats, answer: Answer, write: boolean): Answer {
  if (write) stats.writeCalls++;
  else stats.reads++;
  if (!isRefusal(answer)) {
    if (answer.wrote) {
      stats.writesInEffect++;
      increase(stats.writes, answer.wrote);
    }
    return answer;
  }
  if (answer.status === 429) stats.throttled++;
  increase(stats.refused, String(answer.status));
  increase(stats.rules, answer.rule);
  return answer;
}

export function refuseUnreadable(): Refusal {
  return refuse(
    "body-unreadable",
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
  );
}

function refuseAddress(url: string): Refusal {
  return refuse("segment-unknown", `The address '${url}' can't be decoded.`);
}

/** Splits a relative address; undefined when an escape in it is broken. A plus sign in a query is a blank. */
function parseUrl(url: string): { segments: string[]; query: Map<string, string> } | undefined {
  const [path, search] = url.split("?", 2);
  try {
    const segments = (path ?? "").split("/").map(decodeURIComponent);
    const query = new Map<string, string>();
    for (const part of (search ?? "").split("&")) {
      if (part === "") continue;
      const at = part.indexOf("=");
      const name = at < 0 ? part : part.slice(0, at);
      const value = at < 0 ? "" : part.slice(at + 1);
      query.set(decodeURIComponent(name), decodeURIComponent(value.replaceAll("+", " ")));
    }
    return { segments, query };
  } catch {
    return undefined;
  }
}
