/**
 * Reads that don't fail for one throttled item: batches of GETs sent again after short waits, and lists followed to
 * their end. What takes longer than two seconds to cure is `TargetUnavailable` with the time to wait.
 */

import { type TargetFailure, TargetPageLost, TargetUnavailable } from "../../ports/target-directory.ts";
import { BATCH_SIZE, type GraphClient, type GraphReply } from "./graph-client.ts";
import { failureOf, graphErrorOf } from "./graph-failure.ts";

export interface ReadClient {
  /**
   * The bodies of GETs, in order; undefined for what isn't there (404). One that is refused for whatever it asks is told to
   * `onRefused` (its place), and has no body; left out, and with a token that is refused, it is `TargetUnavailable`.
   */
  getAll(urls: readonly string[], onRefused?: OnRefused): Promise<readonly unknown[]>;
  /**
   * The pages of a list, from a path or from a next link on. A list that isn't there (404) is an error, or empty when
   * `absent` says so: its owner may be gone.
   */
  pages(pathOrLink: string, absent?: "empty"): AsyncIterable<readonly unknown[]>;
  /** One page of a list. Throws `TargetPageLost` when a next link is refused. */
  page(pathOrLink: string): Promise<ListPage | undefined>;
}

export type OnRefused = (at: number, failure: TargetFailure) => void;

/** `link` is absolute; absent: it was the last page. */
export interface ListPage {
  readonly values: readonly unknown[];
  readonly link?: string;
}

export interface ReadDeps {
  readonly client: GraphClient;
  readonly sleep: (ms: number) => Promise<void>;
  readonly backOffMs: (waits: number) => number;
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
}

const SLEEP_BUDGET_MS = 2_000;
const ATTEMPTS = 4;
const RETRY_AFTER_MS = 15_000;

/** What a reply to a GET is: a body, nothing there, or a reason to ask again. */
type Read =
  | { readonly kind: "body"; readonly body: unknown }
  | { readonly kind: "refused"; readonly failure: TargetFailure }
  | { readonly kind: "again"; readonly why: string; readonly waitMs: number };

export function createReadClient(deps: ReadDeps): ReadClient {
  const read = (reply: GraphReply, attempt: number, isLink: boolean): Read => {
    if (reply.kind === "lost") return { kind: "again", why: reply.message, waitMs: 200 };
    const { status } = reply;
    const waitMs = reply.retryAfterMs ?? (status === 429 ? deps.backOffMs(attempt) : 300);
    if (status === 429 || status >= 500) return { kind: "again", why: `it answered ${status}`, waitMs };
    if (reply.kind === "unsent" || status === 404) return { kind: "body", body: undefined };
    if (status >= 200 && status < 300) return { kind: "body", body: reply.body };
    if (isLink && (status === 400 || status === 410)) throw new TargetPageLost();
    return { kind: "refused", failure: failureOf(status, graphErrorOf(reply.body), "The target refuses a read") };
  };

  /** Sends what is open, up to four times, with two seconds of sleep in all. */
  const readUntilDone = async (
    open: readonly number[],
    send: (open: readonly number[]) => Promise<readonly GraphReply[]>,
    bodies: unknown[],
    { isLink = false, onRefused }: { readonly isLink?: boolean; readonly onRefused?: OnRefused | undefined } = {},
  ): Promise<void> => {
    let budgetMs = SLEEP_BUDGET_MS;
    let left = open;
    for (let attempt = 0; left.length > 0; attempt++) {
      const replies = await send(left);
      const again: number[] = [];
      let last = { why: "", waitMs: 0 };
      left.forEach((position, index) => {
        const reply = replies[index];
        const result: Read = reply ? read(reply, attempt, isLink) : { kind: "again", why: "no reply", waitMs: 200 };
        if (result.kind === "body") bodies[position] = result.body;
        else if (result.kind === "refused") {
          if (!onRefused || result.failure.status === 401) throw refusedBy(result.failure);
          onRefused(position, result.failure);
        } else {
          again.push(position);
          if (result.waitMs >= last.waitMs) last = result;
        }
      });
      left = again;
      if (left.length === 0) return;
      if (attempt + 1 >= ATTEMPTS || last.waitMs > budgetMs) throw giveUp(last);
      budgetMs -= last.waitMs;
      await deps.sleep(last.waitMs);
    }
  };

  return {
    async getAll(urls, onRefused) {
      const bodies: unknown[] = new Array(urls.length).fill(undefined);
      const parts: number[][] = [];
      for (let at = 0; at < urls.length; at += BATCH_SIZE) {
        parts.push(urls.slice(at, at + BATCH_SIZE).map((_, index) => at + index));
      }
      await Promise.all(
        parts.map((part) =>
          readUntilDone(
            part,
            (open) =>
              deps.limit(() =>
                deps.client.batch(
                  open.map((position) => ({ method: "GET", url: urls[position] ?? "" })),
                  false,
                ),
              ),
            bodies,
            { onRefused },
          ),
        ),
      );
      return bodies;
    },
    async *pages(pathOrLink, absent) {
      for (let next: string | undefined = pathOrLink; next !== undefined; ) {
        const url: string = next;
        const [body] = await getOne(url);
        if (body === undefined && absent === "empty") return;
        const { values, link }: ListPage = pageOf(body);
        if (values.length > 0) yield values;
        next = link;
      }
    },
    async page(pathOrLink) {
      const [body] = await getOne(pathOrLink, !pathOrLink.startsWith("/"));
      return body === undefined ? undefined : pageOf(body);
    },
  };

  async function getOne(url: string, isLink = false): Promise<readonly unknown[]> {
    const bodies: unknown[] = [undefined];
    await readUntilDone([0], async () => [await deps.client.get(url)], bodies, { isLink });
    return bodies;
  }
}

/** What a refusal is that is no single object's matter. */
export function refusedBy({ status, code, message, remedy }: TargetFailure): TargetUnavailable {
  const reason = status === 401 ? "target-credentials" : "target-refused";
  return new TargetUnavailable(reason, `${message} (${code})`, remedy, 300_000);
}

/** Throws when it is no list. */
export function pageOf(body: unknown): ListPage {
  const { value, "@odata.nextLink": link } = (body ?? {}) as {
    readonly value?: unknown;
    readonly "@odata.nextLink"?: unknown;
  };
  if (!Array.isArray(value)) throw giveUp({ why: "a list came without its values", waitMs: 0 });
  return { values: value, ...(typeof link === "string" && link !== "" ? { link } : {}) };
}

function giveUp(last: { readonly why: string; readonly waitMs: number }): TargetUnavailable {
  return new TargetUnavailable(
    "target-unreachable",
    `The target doesn't answer a read: ${last.why}.`,
    "Nothing: it is tried again.",
    Math.max(RETRY_AFTER_MS, last.waitMs),
  );
}
