/**
 * One call of the service: a declared operation with what it is asked, over `fetch`; its answer held against its declaration, its refusal an
 * error in the service's own words, with their remedy. Which operations there are is the caller's business (`admin-client.ts`).
 */
import { z } from "zod";
import { AgentError, type AgentErrorCode } from "../agent/agent-error.ts";
import { ErrorReply } from "../shared/contracts/agent-api.ts";
import {
  type BodyInput,
  type Operation,
  type ParamName,
  pathWith,
  type QueryInput,
  type ReplyOf,
} from "../shared/contracts/operation.ts";

/** The part of `fetch` that is used; `redirect` and the like have no place here. */
export type PlainFetch = (
  url: string,
  init?: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
) => Promise<Response>;

/** What an operation is asked with: path parameters, query and body as it declares them. */
export type Asking<O extends Operation> = {
  readonly ifMatch?: string;
  /** Refused where what it would make is there already. */
  readonly onlyNew?: boolean;
} & (ParamName<O["path"]> extends never
  ? { readonly params?: undefined }
  : { readonly params: Readonly<Record<ParamName<O["path"]>, string>> }) & {
    readonly query?: Partial<QueryInput<O>>;
  } & (O extends { readonly body: z.ZodType }
    ? O extends { readonly isBodyOptional: true }
      ? { readonly body?: BodyInput<O> }
      : { readonly body: BodyInput<O> }
    : { readonly body?: undefined });

/** Every method throws `AgentError`: service-unreachable, service-refused. */
export interface ServiceCalls {
  /** Any operation of the service; the answer is held against its declaration. */
  call<const O extends Operation>(operation: O, asking: Asking<O>): Promise<ReplyOf<O>>;
  /** What a job is called: the service's refusals name it so from then on, and not by its id. */
  nameJob(job: { readonly jobId: string; readonly displayName: string }): void;
  /** All entries of a list, page by page. */
  pages<const O extends Operation>(operation: O, asking: Asking<O>): AsyncIterable<ReplyOf<O>>;
  /** `path` below the service's `/api/`; any status comes back as it is. */
  fetch(
    path: string,
    init?: { readonly method?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>;
}

export interface ServiceCallsDeps {
  /** The service's origin. */
  readonly url: string;
  readonly fetch: PlainFetch;
  readonly token: () => Promise<string>;
}

export function createServiceCalls(deps: ServiceCallsDeps): ServiceCalls {
  const names = new Map<string, string>();
  // Whole ids alone: those of reads and batches have their job's within.
  const named = (text: string) => text.replace(/[\w-]+(?:\.[\w-]+)*/g, (word) => names.get(word) ?? word);
  const send: ServiceCalls["fetch"] = async (path, init = {}) => {
    const authorization = `Bearer ${await deps.token()}`;
    const body = init.body === undefined ? {} : { body: JSON.stringify(init.body) };
    return reach(deps.fetch, `${deps.url}/api/${path}`, {
      method: init.method ?? "GET",
      headers: {
        authorization,
        accept: "application/json",
        ...init.headers,
        ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...body,
    });
  };
  async function ask<O extends Operation>(operation: O, path: string, asking: Asking<O>): Promise<ReplyOf<O>> {
    const { body, ifMatch, onlyNew } = asking;
    const response = await send(path, {
      method: operation.method,
      ...(body === undefined ? {} : { body }),
      headers: {
        ...(ifMatch === undefined ? {} : { "if-match": `W/"${ifMatch}"` }),
        ...(onlyNew ? { "if-none-match": "*" } : {}),
      },
    });
    const text = await response.text().catch((error: unknown) => {
      throw unreachable(deps.url, error);
    });
    if (!response.ok) throw refusal(`${operation.method} ${path}`, response.status, text, named);
    const parsed = (operation.reply ?? z.unknown()).safeParse(parseJson(text));
    // The declaration's type says what its parser gave.
    if (parsed.success) return parsed.data as ReplyOf<O>;
    throw new AgentError(
      "service-refused",
      `${deps.url} answered ${path} with something unexpected (at '${parsed.error.issues[0]?.path.join(".")}').`,
      "Use the uplink program of the same version as the service.",
    );
  }
  const firstPath = <O extends Operation>(operation: O, asking: Asking<O>): string => {
    const params = asking.params ?? {};
    return `${pathWith<Operation>(operation, params)}${queryOf(asking.query ?? {})}`;
  };
  const call: ServiceCalls["call"] = (operation, asking) => ask(operation, firstPath(operation, asking), asking);
  const pages: ServiceCalls["pages"] = async function* (operation, asking) {
    for (let path: string | undefined = firstPath(operation, asking); path !== undefined; ) {
      const page = await ask(operation, path, asking);
      yield page;
      const next: unknown = (page as { readonly "@odata.nextLink"?: unknown })["@odata.nextLink"];
      path = typeof next === "string" ? next.replace(/^.*?\/api\//, "") : undefined;
    }
  };
  const nameJob: ServiceCalls["nameJob"] = ({ jobId, displayName }) => {
    if (jobId !== "") names.set(jobId, displayName);
  };
  return { fetch: send, call, pages, nameJob };
}

function queryOf(values: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

/** One request; what goes wrong below HTTP becomes an error with a remedy. */
export async function reach(fetch: PlainFetch, url: string, init: Parameters<PlainFetch>[1]): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw unreachable(url, error);
  }
}

/** Also of an answer that broke off: whether what was asked was done, nobody here knows. */
function unreachable(url: string, error: unknown): AgentError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why =
    cause instanceof Error ? cause.message || String("code" in cause ? cause.code : cause.name) : String(cause);
  const isUntrusted = /certificate|self.signed/i.test(why);
  return new AgentError(
    "service-unreachable",
    `Cannot reach ${new URL(url).origin}: ${why || "no connection"}.`,
    isUntrusted
      ? "Set NODE_EXTRA_CA_CERTS to the authority's PEM file before the program starts (npm run uplink does it by itself)."
      : "On this machine: see that npm start runs. Elsewhere: check the address, the network and the firewall.",
    { cause: error },
  );
}

/** By the status: what a script does next differs. */
function codeOf(status: number): AgentErrorCode {
  if (status === 404) return "not-found";
  if (status === 409 || status === 412) return "conflict";
  return status === 429 || status === 503 ? "service-unreachable" : "service-refused";
}

/** `named`: what the service says, as the command line calls it. */
function refusal(what: string, status: number, text: string, named: (said: string) => string): AgentError {
  const parsed = ErrorReply.safeParse(parseJson(text));
  const code = codeOf(status);
  if (!parsed.success) {
    // What answers without the service's own words may be another one at that address.
    const other = status === 404 ? "service-refused" : code;
    return new AgentError(other, `${what} was answered with status ${status}.`, "See the service's log.");
  }
  const { message, remedy, details } = parsed.data.error;
  const parts = (details ?? []).map((one) => `\n  ${one.target}: ${named(one.message)}`).join("");
  return new AgentError(code, `${named(message)}${parts}`, named(remedy ?? "See the service's log."));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
