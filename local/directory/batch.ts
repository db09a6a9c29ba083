/**
 * `$batch`: up to 20 calls in one request.
 *
 * Calls run one at a time but in any order, as far as `dependsOn` lets them, and are answered in any order: a client
 * that relies on either is caught here. "Any" is drawn from a generator that starts the same each time, so a failing
 * test fails again. A call that depends on a failed one is not made.
 */
import { renderAnswer } from "./render.ts";
import { type Refusal, refuse } from "./rules.ts";
import type { Service } from "./service.ts";
import { type Answer, type Caller, isJsonObject, isRefusal, type JsonObject } from "./types.ts";

const MAX_REQUESTS = 20;

type Item = {
  id: string;
  method: string;
  url: string;
  headers: ReadonlyMap<string, string>;
  body: unknown;
  dependsOn: readonly string[];
};

export type BatchRunner = {
  /** Runs a batch; `wrote` tells whether any call of it took effect. */
  run(body: unknown, caller: Caller): { answer: Answer; wrote: boolean };
};

export function createBatchRunner(deps: { service: Service }): BatchRunner {
  const random = createGenerator();

  return {
    run(body, caller) {
      const items = parseItems(body);
      if ("rule" in items) return { answer: items, wrote: false };
      const done = new Map<string, Answer>();
      const waiting = shuffle(items.list, random);
      while (waiting.length > 0) {
        const at = waiting.findIndex((item) => item.dependsOn.every((id) => done.has(id)));
        const [item] = waiting.splice(at, 1);
        if (!item || at < 0) break;
        const failed = item.dependsOn.find((id) => statusOf(done.get(id)) >= 400);
        done.set(item.id, failed === undefined ? run(item, caller) : refuseDependent(failed));
      }
      const responses: JsonObject[] = shuffle([...done], random).map(([id, answer]) => {
        const { status, headers, body: content } = renderAnswer(answer);
        return { id, status, headers, ...(content === undefined ? {} : { body: content }) };
      });
      const wrote = [...done.values()].some((answer) => !isRefusal(answer) && answer.wrote !== undefined);
      return { answer: { status: 200, body: { responses } }, wrote };
    },
  };

  function run(item: Item, caller: Caller): Answer {
    if (item.body !== undefined && !/^application\/json/i.test(item.headers.get("content-type") ?? "")) {
      return refuse(
        "batch-content-type",
        "Write request id : the Content-Type header is missing or not application/json.",
      );
    }
    const url = item.url.replace(/^\//, "");
    if (url.startsWith("$batch")) return refuse("batch-no-nesting", "A batch request can't contain a batch request.");
    return deps.service.execute({
      ...{ method: item.method, url, body: item.body, caller },
      header: (name) => item.headers.get(name.toLowerCase()),
    });
  }
}

function statusOf(answer: Answer | undefined): number {
  return answer?.status ?? 500;
}

function refuseDependent(id: string): Refusal {
  return refuse("batch-dependency-failed", `The request depends on '${id}', which failed.`);
}

function parseItems(body: unknown): { list: Item[] } | Refusal {
  const requests = isJsonObject(body) ? body["requests"] : undefined;
  if (!Array.isArray(requests)) return refuse("body-unreadable", "Invalid batch payload format.");
  if (requests.length < 1 || requests.length > MAX_REQUESTS) {
    return refuse(
      "batch-at-most-20",
      `Number of batch request steps is ${requests.length}; it must be 1 to ${MAX_REQUESTS}.`,
    );
  }
  const list: Item[] = [];
  const ids = new Set<string>();
  for (const request of requests) {
    const item = parseItem(request);
    if (!item || ids.has(item.id)) {
      return refuse("batch-id-unique", "Each batch request needs an id of its own, a method and a relative url.");
    }
    ids.add(item.id);
    list.push(item);
  }
  return refuseDependencies(list) ?? { list };
}

function parseItem(request: unknown): Item | undefined {
  if (!isJsonObject(request)) return undefined;
  const { id, method, url, headers, body, dependsOn } = request;
  if (typeof id !== "string" || id === "" || typeof method !== "string" || typeof url !== "string") return undefined;
  if (url === "" || /^[a-z]+:/i.test(url)) return undefined;
  if (dependsOn !== undefined && !(Array.isArray(dependsOn) && dependsOn.every((one) => typeof one === "string"))) {
    return undefined;
  }
  const named = new Map<string, string>();
  if (isJsonObject(headers)) {
    for (const [name, value] of Object.entries(headers)) named.set(name.toLowerCase(), String(value));
  }
  return { id, method: method.toUpperCase(), url, headers: named, body, dependsOn: dependsOn ?? [] };
}

function refuseDependencies(list: readonly Item[]): Refusal | undefined {
  const done = new Set<string>();
  // Whatever can't be ordered in as many rounds as there are calls names itself or something unknown.
  for (const _ of list) {
    for (const item of list) if (item.dependsOn.every((id) => done.has(id))) done.add(item.id);
  }
  const stuck = list.find((item) => !done.has(item.id));
  if (!stuck) return undefined;
  return refuse("batch-depends-on-known", `Batch request '${stuck.id}' depends on itself or on an unknown request.`);
}

function shuffle<T>(source: readonly T[], random: () => number): T[] {
  const result = [...source];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [left, right] = [result[at], result[other]] as [T, T];
    result[at] = right;
    result[other] = left;
  }
  return result;
}

function createGenerator(): () => number {
  // Park and Miller's generator: small, even enough, the same at each start.
  let state = 20_201;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
