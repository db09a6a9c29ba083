/** What a batch says of links: statements about members by group, whom else objects name, and who has which SID. */
import type { Change, ChangeBatch } from "../../contracts/change.ts";
import { changeVersion } from "../../domain/change-version.ts";
import type { LinkStatement } from "../../domain/links.ts";
import { type AttributeBag, sidFromBytes, valueBytes, valuesOf } from "../../domain/values.ts";
import type { ChangeOrigin, ChunkHeader } from "../lanes/chunk-files.ts";
import type { ReferrerEntry } from "../state/referrer-index.ts";
import type { SidEntry } from "../state/sid-rows.ts";

/** Statements about the members of one group, and the last change that made one. */
export interface OpenLinks {
  readonly referrer: string;
  readonly statements: readonly LinkStatement[];
  readonly origin: ChangeOrigin;
}

export interface SaidLinks {
  readonly open: readonly OpenLinks[];
  /** The groups that an object says it is in: one that was deleted, and is back. */
  readonly memberOf: readonly {
    readonly member: string;
    readonly groups: readonly string[];
    readonly version: string;
    readonly origin: ChangeOrigin;
    readonly isFull: boolean;
  }[];
  /** Whom objects name in other attributes (manager). */
  readonly references: readonly ReferrerEntry[];
  readonly sids: readonly SidEntry[];
}

/** A batch, or what was read beside one: then its changes' positions begin at `firstPosition`. */
export type SaidChanges = Pick<ChangeBatch, "kind" | "readNo" | "sequence" | "changes"> & {
  readonly firstPosition?: number;
  /** Of a part of a batch: where in it that begins. */
  readonly firstIndex?: number;
};

type Link = NonNullable<Extract<Change, { op: "upsert" }>["links"]>[number];

export function statementsOf(header: ChunkHeader, batch: SaidChanges): SaidLinks {
  const { configurationId, jobId, batchId, agentId, server } = header;
  const open = new Map<string, { statements: LinkStatement[]; origin: ChangeOrigin }>();
  const memberOf: SaidLinks["memberOf"][number][] = [];
  const references: ReferrerEntry[] = [];
  const sids: SidEntry[] = [];
  const isFull = batch.kind === "full";
  for (const [index, change] of batch.changes.entries()) {
    if (change.op !== "upsert") continue;
    const { objectGuid } = change;
    const sid = sidOf(change.attributes);
    if (sid !== undefined) sids.push({ sid, configurationId, objectGuid });
    const origin: ChangeOrigin = { batchId, index: (batch.firstIndex ?? 0) + index, agentId, server };
    for (const [place, link] of (change.links ?? []).entries()) {
      const version = versionOf(batch, index, place);
      const attribute = link.attribute.toLowerCase();
      if (attribute === "member") {
        const own = open.get(objectGuid) ?? { statements: [], origin };
        own.statements.push(statementOf(link, version, isFull));
        open.set(objectGuid, { ...own, origin });
      } else if (attribute === "memberof") {
        memberOf.push({ member: objectGuid, groups: link.add.map((own) => own.guid), version, origin, isFull });
      } else {
        for (const { guid } of link.add)
          references.push({ referee: guid, configurationId, jobId, referrer: objectGuid, attribute: link.attribute });
      }
    }
  }
  return {
    open: [...open].map(([referrer, own]) => ({ referrer, ...own })),
    memberOf,
    references,
    sids,
  };
}

/** Several parts of a list in one change follow each other. */
function versionOf(batch: SaidChanges, index: number, place: number): string {
  const version = changeVersion(batch.readNo, batch.sequence, (batch.firstPosition ?? 0) + index);
  return place === 0 ? version : `${version}.${String(place).padStart(3, "0")}`;
}

function statementOf(link: Link, version: string, isFull: boolean): LinkStatement {
  const { add, remove, part, last } = link;
  if (link.mode === "delta") return { kind: "delta", version, add, remove };
  return { kind: "list", version, values: add, part, last, isFull };
}

/** The SID among an object's attributes; what is no SID says nothing. */
export function sidOf(attributes: AttributeBag): string | undefined {
  const [value] = valuesOf(attributes, "objectSid");
  if (value === undefined) return undefined;
  if (typeof value === "string") return value.startsWith("S-1-") ? value : undefined;
  const bytes = valueBytes(value);
  return bytes.length >= 8 && bytes.length === 8 + (bytes[1] ?? 0) * 4 ? sidFromBytes(bytes) : undefined;
}
