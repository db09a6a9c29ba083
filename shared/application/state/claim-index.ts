/**
 * The index of unique values: one row for each targetId, sourceAnchor, userPrincipalName and mail of a tenant set.
 *
 * Whoever wants a value inserts its row; a refused insert names who has it, whichever job that object belongs to.
 * A target object that no source object is linked to has ownerless rows: matching looks at those, and only `take`
 * gives them an owner. Partition `{target}:{shard of the value}`, row `{kind}:{value}`.
 */
import { createHash } from "node:crypto";
import type { Claim } from "../../domain/object-record.ts";
import type { Row, RowOperation, RowStore } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { groupBy } from "./object-store.ts";

/** `configurationId:objectGuid` of the object that holds a value. */
export type ClaimOwner = string;

export function ownerOf(configurationId: string, objectGuid: string): ClaimOwner {
  return `${configurationId}:${objectGuid}`;
}

/** The object that an owner's name stands for. */
export function objectOf(owner: ClaimOwner): { readonly configurationId: string; readonly objectGuid: string } {
  const at = owner.indexOf(":");
  return { configurationId: owner.slice(0, at), objectGuid: owner.slice(at + 1) };
}

export type ClaimResult =
  | { readonly kind: "held" }
  | { readonly kind: "taken"; readonly owner: ClaimOwner }
  /** Held by a target object that no source object is linked to. */
  | { readonly kind: "candidate"; readonly targetId: string };

export interface ClaimRequest {
  readonly owner: ClaimOwner;
  readonly claim: Claim;
}

export interface ClaimIndex {
  /** Results in order. A value that the same owner holds already is `held`. */
  claim(requests: readonly ClaimRequest[]): Promise<ClaimResult[]>;
  /** Makes an ownerless row the owner's (a match). */
  take(request: ClaimRequest, targetId: string): Promise<ClaimResult>;
  /** Gives up values; one that somebody else holds by now is left alone. */
  release(requests: readonly ClaimRequest[]): Promise<void>;
  /**
   * Values of an object that lets go of its target object (`targetId`): whoever wants them next finds the target object as
   * a candidate. Without one they are free. In the order given. What somebody else holds by now is left alone.
   */
  disown(owner: ClaimOwner, claims: readonly Claim[], targetId: string | undefined): Promise<void>;
  /** Notes values of a target object without link, where nobody holds them. */
  addCandidates(candidates: readonly { readonly targetId: string; readonly claims: readonly Claim[] }[]): Promise<void>;
  holder(claim: Claim): Promise<ClaimResult | undefined>;
  /** Of many at once, in order. */
  holders(claims: readonly Claim[]): Promise<(ClaimResult | undefined)[]>;
}

export function createClaimIndex(deps: { readonly rows: RowStore; readonly targetKey: string }): ClaimIndex {
  const table = deps.rows.table("claims");
  const partitionOf = (claim: Claim) => `${deps.targetKey}:${shardOfValue(claim)}`;

  async function holder(claim: Claim): Promise<ClaimResult | undefined> {
    return holderOf(await table.get(partitionOf(claim), rowKey(claim)));
  }

  async function claimOne(request: ClaimRequest): Promise<ClaimResult> {
    for (let tries = 0; tries < 3; tries++) {
      const operation: RowOperation = { op: "insert", row: rowKey(request.claim), values: { owner: request.owner } };
      const result = await table.transact(partitionOf(request.claim), [operation]);
      if (result.ok) return { kind: "held" };
      const found = await holder(request.claim);
      if (found?.kind === "taken" && found.owner === request.owner) return { kind: "held" };
      if (found) return found;
    }
    throw new Error(
      `The index row of a ${request.claim.kind} comes and goes: three inserts found it, three reads did not.`,
    );
  }

  async function claimChunk(partition: string, requests: readonly ClaimRequest[]): Promise<ClaimResult[]> {
    const operations = requests.map(
      ({ owner, claim }): RowOperation => ({ op: "insert", row: rowKey(claim), values: { owner } }),
    );
    const result = await table.transact(partition, operations);
    if (result.ok) return requests.map(() => ({ kind: "held" }));
    return Promise.all(requests.map((request) => claimOne(request)));
  }

  return {
    async claim(requests) {
      const results: ClaimResult[] = requests.map(() => ({ kind: "held" }));
      const seen = new Map<string, ClaimOwner>();
      const fresh: { request: ClaimRequest; index: number }[] = [];
      requests.forEach((request, index) => {
        const key = rowKey(request.claim);
        const first = seen.get(key);
        // Two objects of one call want one value: the first in order has it.
        if (first !== undefined && first !== request.owner) results[index] = { kind: "taken", owner: first };
        else if (first === undefined) fresh.push({ request, index });
        if (first === undefined) seen.set(key, request.owner);
      });
      await Promise.all(
        groupBy(fresh, (entry) => partitionOf(entry.request.claim)).map(async ([partition, entries]) => {
          for (let at = 0; at < entries.length; at += 100) {
            const own = entries.slice(at, at + 100);
            const settled = await claimChunk(
              partition,
              own.map((entry) => entry.request),
            );
            own.forEach((entry, position) => {
              results[entry.index] = settled[position] ?? { kind: "held" };
            });
          }
        }),
      );
      return results;
    },
    async take(request, targetId) {
      const partition = partitionOf(request.claim);
      const row = await table.get(partition, rowKey(request.claim));
      if (!row) return claimOne(request);
      const owner = String(row.values["owner"] ?? "");
      if (owner === request.owner) return { kind: "held" };
      if (owner !== "") return { kind: "taken", owner };
      if (row.values["targetId"] !== targetId) return { kind: "candidate", targetId: String(row.values["targetId"]) };
      const operation: RowOperation = { op: "replace", row: row.row, values: { owner: request.owner }, etag: row.etag };
      const result = await table.transact(partition, [operation]);
      return result.ok ? { kind: "held" } : claimOne(request);
    },
    async release(requests) {
      await Promise.all(
        requests.map(async (request) => {
          const partition = partitionOf(request.claim);
          const row = await table.get(partition, rowKey(request.claim));
          if (row?.values["owner"] !== request.owner) return;
          await table.transact(partition, [{ op: "delete", row: row.row, etag: row.etag }]);
        }),
      );
    },
    async disown(owner, claims, targetId) {
      for (const claim of claims) {
        const partition = partitionOf(claim);
        const row = await table.get(partition, rowKey(claim));
        if (row?.values["owner"] !== owner) continue;
        const { row: key, etag } = row;
        const isFree = targetId === undefined || claim.kind === "targetId";
        await table.transact(partition, [
          isFree
            ? { op: "delete", row: key, etag }
            : { op: "replace", row: key, values: { owner: "", targetId }, etag },
        ]);
      }
    },
    async addCandidates(candidates) {
      const operations = candidates.flatMap(({ targetId, claims }) =>
        claims.map((claim) => ({ partition: partitionOf(claim), row: rowKey(claim), targetId })),
      );
      for (const [partition, entries] of groupBy(operations, (entry) => entry.partition)) {
        const unique = [...new Map(entries.map((entry) => [entry.row, entry])).values()];
        const known = await table.getMany(
          partition,
          unique.map((entry) => entry.row),
        );
        const inserts = unique
          .filter((entry) => !known.has(entry.row))
          .map(
            (entry): RowOperation => ({
              op: "insert",
              row: entry.row,
              values: { owner: "", targetId: entry.targetId },
            }),
          );
        for (const chunk of transactionChunks(inserts)) {
          const result = await table.transact(partition, chunk);
          if (!result.ok) for (const operation of chunk) await table.transact(partition, [operation]);
        }
      }
    },
    holder,
    async holders(claims) {
      const results: (ClaimResult | undefined)[] = claims.map(() => undefined);
      const entries = claims.map((claim, index) => ({ claim, index }));
      await Promise.all(
        groupBy(entries, ({ claim }) => partitionOf(claim)).map(async ([partition, own]) => {
          const rows = await table.getMany(partition, [...new Set(own.map(({ claim }) => rowKey(claim)))]);
          for (const { claim, index } of own) results[index] = holderOf(rows.get(rowKey(claim)));
        }),
      );
      return results;
    },
  };
}

function holderOf(row: Row | undefined): ClaimResult | undefined {
  if (!row) return undefined;
  const owner = String(row.values["owner"] ?? "");
  return owner === "" ? { kind: "candidate", targetId: String(row.values["targetId"]) } : { kind: "taken", owner };
}

/** Values are any text: the row key is their digest where they hold what a key may not, or are long. */
function rowKey(claim: Claim): string {
  const plain = /^[A-Za-z0-9@._+=-]{1,200}$/.test(claim.value);
  return `${claim.kind}:${plain ? claim.value : `sha256:${createHash("sha256").update(claim.value).digest("hex")}`}`;
}

function shardOfValue(claim: Claim): string {
  return createHash("sha256").update(claim.value).digest("hex").slice(0, 1);
}
