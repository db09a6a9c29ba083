/**
 * Microsoft Graph in this process: the directory stand-in's own rules, limits and `$batch` behind a `fetch`, with faults of the
 * wire (429, 503, time-outs before and after the effect, a token that runs out) and of single items of a batch, and a journal
 * of every effect with what was there before and after it.
 */
import { createBatchRunner } from "../../local/directory/batch.ts";
import { createDirectory } from "../../local/directory/directory.ts";
import { createFaults } from "../../local/directory/faults.ts";
import { memoryJournal } from "../../local/directory/journal.ts";
import { createQuota, type QuotaSetting } from "../../local/directory/quota.ts";
import { renderAnswer } from "../../local/directory/render.ts";
import { createService } from "../../local/directory/service.ts";
import { emptyStats } from "../../local/directory/stats.ts";
import { createStore } from "../../local/directory/store.ts";
import { type Answer, type Caller, type Entry, isRefusal, type WriteKind } from "../../local/directory/types.ts";
import type { FaultBox } from "./faults.ts";
import type { Kernel } from "./kernel.ts";

export const ROOT = "https://graph.example/v1.0";
export const INITIAL_DOMAIN = "tenant.example";

const CALLER: Omit<Caller, "tenantId"> = {
  applicationId: "uplink",
  permissions: new Set([
    "User.ReadWrite.All",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
    "RoleManagement.Read.Directory",
    "Organization.Read.All",
  ]),
  roles: new Set(),
};
const GRAPH_MS = 60;
const TIMEOUT_MS = 30_000;
const TOKEN_MS = 3_000_000;
/** How long a replica of Graph's may lag behind. */
const STALE_MS = 60_000;

/** What the target holds of one object. */
export interface Shown {
  readonly id: string;
  readonly kind: "user" | "group";
  readonly isDeleted: boolean;
  /** immutableId of a user, uniqueName of a group. */
  readonly anchor: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly manager: string | undefined;
  readonly members: readonly string[];
}

export interface Effect {
  readonly at: number;
  readonly kind: WriteKind;
  readonly id: string;
  /** The activity that called. */
  readonly by: string;
  /** When that began. */
  readonly since: number;
  readonly before: Shown | undefined;
  readonly after: Shown | undefined;
}

export interface FakeGraph {
  readonly fetch: typeof fetch;
  readonly credential: { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> };
  readonly effects: readonly Effect[];
  objects(): readonly Shown[];
  setQuota(setting: QuotaSetting): void;
  setLag(ms: number): void;
  heal(): void;
  /** By hand in the tenant, past every application. */
  readonly store: ReturnType<typeof createStore>;
  now(): number;
}

const WIRE = [
  "429",
  "429-retry-after",
  "503",
  "503-retry-after",
  "502",
  "timeout-before",
  "timeout-after",
  "refused",
  "401",
] as const;
/** The first write of a batch fails, and the others were to wait for it. */
const CHAIN = "424-chain";
const ITEM_REFUSALS = {
  "429": { status: 429, code: "TooManyRequests" },
  "429-retry-after": { status: 429, code: "TooManyRequests" },
  "500": { status: 500, code: "InternalServerError" },
  "503": { status: 503, code: "serviceUnavailable" },
  "424": { status: 424, code: "FailedDependency" },
  "409": { status: 409, code: "Directory_ConcurrencyViolation" },
} as const;
export const GRAPH_FAULTS = {
  graph: [...WIRE, CHAIN],
  item: [
    ...Object.keys(ITEM_REFUSALS),
    "401",
    "404-after-create",
    "400-reference",
    "twice",
    "already-member",
    "answer-lost",
    "stale",
  ],
} as const;

export function createFakeGraph(deps: {
  readonly kernel: Kernel;
  readonly faults: FaultBox;
  readonly trace: (line: string) => void;
  readonly verifiedDomains: readonly string[];
}): FakeGraph {
  const { kernel, faults } = deps;
  const now = kernel.now;
  const tenantId = "11111111-2222-4333-8444-555555555555";
  const caller: Caller = { ...CALLER, tenantId };
  const store = createStore({ journal: () => memoryJournal });
  let lagMs = 0;
  const directory = createDirectory({
    store,
    now,
    tenant: {
      id: tenantId,
      initialDomain: INITIAL_DOMAIN,
      domains: { verified: new Set([INITIAL_DOMAIN, ...deps.verifiedDomains]), federated: new Set() },
    },
    visibilityDelayMs: () => lagMs,
  });
  const quota = createQuota({ now, tenantId, users: () => store.count("user"), setting: "off" });
  const stats = emptyStats();
  const service = createService({ directory, quota, faults: createFaults(), root: () => ROOT, stats: () => stats });
  const effects: Effect[] = [];
  const lastReads = new Map<string, { readonly at: number; readonly answer: Answer }>();
  let token = 1;
  let tokenUntil = 0;
  let by = "";
  let since = 0;
  let isFaulty = false;
  let isChainBroken = false;

  const batches = createBatchRunner({ service: { execute: (raw) => (isFaulty ? withItemFault(raw) : carryOut(raw)) } });

  function targetOf(url: string): string | undefined {
    const name = /uniqueName='([^']+)'/.exec(decodeURIComponent(url))?.[1];
    return name === undefined ? idOf(url) : store.holder("uniqueName", name)?.id;
  }

  function carryOut(raw: Parameters<typeof service.execute>[0]): Answer {
    if (raw.method === "GET") {
      const read = service.execute(raw);
      lastReads.set(raw.url, { at: now(), answer: read });
      return read;
    }
    const id = targetOf(raw.url);
    const before = id === undefined ? undefined : shownById(id);
    const answer = service.execute(raw);
    if (isRefusal(answer) || !answer.wrote) return answer;
    const made = answer.body?.["id"];
    const target = typeof made === "string" ? made : id;
    if (target === undefined) return answer;
    const effect: Effect = { at: now(), kind: answer.wrote, id: target, by, since, before, after: shownById(target) };
    effects.push(effect);
    deps.trace(`effect ${effect.kind} ${effect.after?.anchor ?? effect.before?.anchor ?? target}`);
    return answer;
  }

  function withItemFault(raw: Parameters<typeof service.execute>[0]): Answer {
    if (raw.method === "GET") {
      const known = lastReads.get(raw.url);
      const isRecent = known && now() - known.at < STALE_MS;
      if (isRecent && faults.take("item", "stale")) return known.answer;
      return carryOut(raw);
    }
    if (isChainBroken) {
      isChainBroken = false;
      return refusal(503, "serviceUnavailable", "Made on purpose; the others waited for it.");
    }
    if (faults.take("item", "401"))
      return refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    for (const [kind, { status, code }] of Object.entries(ITEM_REFUSALS))
      if (faults.take("item", kind))
        return refusal(status, code, "Made on purpose.", kind.endsWith("retry-after") ? { "retry-after": "4" } : {});
    const target = store.get(targetOf(raw.url) ?? "");
    const isFresh = target !== undefined && now() - Date.parse(String(target.properties["createdDateTime"])) < STALE_MS;
    if (isFresh && raw.method === "PATCH" && faults.take("item", "404-after-create"))
      return refusal(
        404,
        "Request_ResourceNotFound",
        `Resource '${target.id}' does not exist or one of its queried reference-property objects are not present.`,
      );
    const references = JSON.stringify(raw.body ?? "").match(/[0-9a-f-]{36}/g) ?? [];
    const hasFreshReference = references.some((id) => {
      const referred = store.get(id);
      return referred !== undefined && now() - Date.parse(String(referred.properties["createdDateTime"])) < STALE_MS;
    });
    if (hasFreshReference && /odata\.(bind|id)/.test(JSON.stringify(raw.body)) && faults.take("item", "400-reference"))
      return refusal(
        400,
        "Request_BadRequest",
        "The source resource object or one of the objects being referenced do not exist.",
      );
    const bound = (raw.body as { readonly "members@odata.bind"?: readonly string[] } | undefined)?.[
      "members@odata.bind"
    ];
    if (bound && raw.method === "PATCH" && target && faults.take("item", "already-member")) {
      const member = /([0-9a-f-]{36})$/.exec(bound[0] ?? "")?.[1];
      if (member && store.get(member)) store.link(target.id, member);
    }
    const answer = carryOut(raw);
    if (!isRefusal(answer) && answer.wrote) {
      if (faults.take("item", "twice")) return carryOut(raw);
      if (faults.take("item", "answer-lost"))
        return refusal(500, "InternalServerError", "It took effect, and says that it didn't.");
    }
    return answer;
  }

  /** As Graph carries out requests that depend on one another: who waited for what failed gets 424, by the stand-in's own rule. */
  function chained(body: { readonly requests?: readonly { readonly id: string; readonly method: string }[] }): unknown {
    const writes = body.requests?.filter((own) => own.method !== "GET") ?? [];
    const [first] = writes;
    if (!isFaulty || !first || writes.length < 2 || !faults.take("graph", CHAIN)) return body;
    isChainBroken = true;
    const requests = body.requests?.map((own) =>
      writes.includes(own) && own !== first ? { ...own, dependsOn: [first.id] } : own,
    );
    return { ...body, requests };
  }

  async function answerOf(url: string, init: RequestInit): Promise<Response> {
    const wire = isFaulty ? faults.takeAny("graph", WIRE) : undefined;
    switch (wire) {
      case "429":
      case "503":
        return reply(Number(wire), errorBody("TooManyRequests"));
      case "429-retry-after":
      case "503-retry-after":
        return reply(Number(wire.slice(0, 3)), errorBody("TooManyRequests"), { "retry-after": "7" });
      case "502":
        return reply(502, "<html>Bad gateway</html>");
      case "timeout-before":
        kernel.advance(TIMEOUT_MS);
        throw broken("UND_ERR_HEADERS_TIMEOUT");
      case "refused":
        throw broken("ECONNREFUSED");
      default:
    }
    const headers = new Headers(init.headers);
    if (wire === "401") tokenUntil = 0;
    if (headers.get("authorization") !== `Bearer t${token}` || now() >= tokenUntil) {
      return reply(401, errorBody("InvalidAuthenticationToken"), { "www-authenticate": "Bearer" });
    }
    const path = url.slice(`${ROOT}/`.length);
    const body: unknown = typeof init.body === "string" ? chained(JSON.parse(init.body)) : undefined;
    const answer =
      path === "$batch"
        ? batches.run(body, caller).answer
        : carryOut({
            method: init.method ?? "GET",
            url: path,
            header: (name) => headers.get(name) ?? undefined,
            body,
            caller,
          });
    if (wire === "timeout-after") {
      kernel.advance(TIMEOUT_MS);
      throw broken("UND_ERR_HEADERS_TIMEOUT");
    }
    const rendered = renderAnswer(answer);
    return reply(rendered.status, rendered.body, rendered.headers);
  }

  const shownById = (id: string): Shown | undefined => {
    const entry = store.get(id);
    return entry && shownOf(entry, [...store.membersOf(entry.id)]);
  };

  return {
    store,
    effects,
    now,
    fetch: ((url: string, init: RequestInit = {}) => {
      const task = kernel.current();
      return kernel.call("graph", GRAPH_MS, async () => {
        by = task?.name ?? "";
        since = task?.startedAt ?? 0;
        isFaulty = task?.process !== undefined;
        return answerOf(url, init);
      });
    }) as typeof fetch,
    credential: {
      getToken: () =>
        kernel.call("token", GRAPH_MS, async () => {
          if (now() >= tokenUntil) {
            token++;
            tokenUntil = now() + TOKEN_MS;
          }
          return { token: `t${token}`, expiresOnTimestamp: tokenUntil };
        }),
    },
    objects: () =>
      (["user", "group"] as const).flatMap((kind) =>
        [...store.scan(kind, 0)].map((entry) => shownOf(entry, [...store.membersOf(entry.id)])),
      ),
    setQuota: (setting) => quota.set(setting),
    setLag: (ms) => {
      lagMs = ms;
    },
    heal() {
      quota.set("off");
      lagMs = 0;
    },
  };
}

function shownOf(entry: Entry, members: readonly string[]): Shown {
  return {
    id: entry.id,
    kind: entry.kind,
    isDeleted: entry.deletedAt !== undefined,
    anchor: String(entry.properties["uniqueName"] ?? entry.properties["onPremisesImmutableId"] ?? entry.id),
    properties: { ...entry.properties },
    manager: entry.managerId,
    members,
  };
}

function idOf(url: string): string | undefined {
  return /\/([0-9a-f]{8}-[0-9a-f-]{27})(?=[/?]|$)/i.exec(`/${url}`)?.[1]?.toLowerCase();
}

/** As a rule of the stand-in would refuse; the rule's name is only for its own tests. */
function refusal(status: number, code: string, message: string, headers: Record<string, string> = {}): Answer {
  return { rule: "fault-write", status, code, message, headers };
}

const errorBody = (code: string) => ({ error: { code, message: "Made on purpose." } });

/** What the adapter reads of a Response, without the streams of a real one. */
function reply(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const own = { status, ok: status >= 200 && status < 300, headers: new Headers(headers), text: async () => text };
  return own as unknown as Response;
}

function broken(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}
