/**
 * A reconcile's first look at objects: a page of the target against the rows that hold its objects, and who of the linked
 * was on no page. Both say only what is worth a second look; nothing is written but files.
 */
import type { Drift } from "../../domain/drift.ts";
import type { Claim, ObjectRecord } from "../../domain/object-record.ts";
import { REDACTED } from "../../domain/redaction.ts";
import { SHARDS, shardOf } from "../../domain/shard.ts";
import type { Clock } from "../../ports/clock.ts";
import type { TargetObjectType, TargetState } from "../../ports/target-directory.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { objectOf, ownerOf } from "../state/claim-index.ts";
import { groupBy } from "../state/object-store.ts";
import type { Finding, Place, ReconcileCounts, ReconcileFiles, ReconcileRow } from "../state/reconcile-rows.ts";
import {
  comparable,
  driftsOf,
  guidOfAnchor,
  isMatchable,
  propertiesOf,
  referencesIn,
  withoutDeparted,
} from "./reconcile-compare.ts";
import { deletedByUs } from "./reconcile-holders.ts";

/** What a first look found, to be looked at again. */
export type Candidate =
  | {
      readonly kind: "changed";
      readonly objectGuid: string;
      readonly targetId: string;
      readonly type: TargetObjectType;
      readonly drifts: readonly Drift[];
    }
  | { readonly kind: "missing"; readonly objectGuid: string }
  /** Nobody's, with the anchor of an object that has no link. */
  | {
      readonly kind: "foreign";
      readonly objectGuid: string;
      readonly targetId: string;
      readonly type: TargetObjectType;
    }
  | ({ readonly kind: "members" } & GroupRef & MemberDrift);

export interface GroupRef {
  readonly objectGuid: string;
  readonly targetId: string;
}

/** `lacking`: objectGUIDs of members that were exported; `extra`: ids of those that no edge of ours stands for. */
export interface MemberDrift {
  readonly lacking: readonly string[];
  readonly extra: readonly string[];
}

export interface Looked {
  readonly place: Place;
  readonly counts: Partial<ReconcileCounts>;
  readonly candidates: readonly Candidate[];
  readonly sample?: readonly Finding[];
  /** Another file of pages, of groups. */
  readonly pages?: number;
  readonly groupFiles?: number;
}

export interface LookDeps {
  readonly context: JobContext;
  readonly configurationId: string;
  readonly files: ReconcileFiles;
  readonly clock: Clock;
}

/** Which of a page's objects are whose. */
interface Owned {
  readonly own: readonly { readonly state: TargetState; readonly record: ObjectRecord }[];
  /** Nobody's, and not mastered elsewhere. */
  readonly free: readonly TargetState[];
}

/** Throws `TargetUnavailable`, `TargetPageLost`. */
export async function lookAtPage(
  deps: LookDeps,
  row: ReconcileRow,
  { type, from }: Extract<Place, { phase: "objects" }>,
): Promise<Looked> {
  const { context, files } = deps;
  const { items, next } = await context.target.page(type, propertiesOf(type), from);
  const { own, free } = await ownersOf(deps, items);
  const seen = groupBy(
    own.map(({ record }) => record.objectGuid),
    shardOf,
  );
  await files.put(`seen-${row.pages}`, Object.fromEntries(seen));
  const groups: GroupRef[] =
    type === "group" ? own.map(({ record, state }) => ({ objectGuid: record.objectGuid, targetId: state.id })) : [];
  if (groups.length > 0) await files.put(`groups-${row.groupFiles}`, groups);
  const now = deps.clock.now();
  const differing = own.flatMap(({ record, state }) => {
    const own = state.synchronized ? undefined : comparable(record, context.mapping, context.excluded, now);
    return own ? [{ own, state, drifts: driftsOf(own, state) }] : [];
  });
  const departed = await deletedByUs(
    context,
    differing.flatMap(({ own, drifts }) => referencesIn(own, drifts)),
  );
  const changed = differing.flatMap(({ own, state, drifts: all }): Candidate[] => {
    const drifts = withoutDeparted(own, all, departed);
    const { objectGuid } = own.record;
    return drifts.length === 0 ? [] : [{ kind: "changed", objectGuid, targetId: state.id, type, drifts }];
  });
  const matchable = await matchableOf(deps, free);
  const others = free.filter((state) => !matchable.some(({ targetId }) => targetId === state.id));
  return {
    place: placeAfter(type, next),
    counts: {
      [type === "user" ? "users" : "groups"]: items.length,
      linked: own.length,
      mastered: items.filter((state) => state.synchronized).length,
      foreign: others.length,
    },
    candidates: [...changed, ...matchable],
    sample: others.map((state) => foreignFinding(state, context.mapping.redactedIn(state.type))),
    pages: 1,
    ...(groups.length > 0 ? { groupFiles: 1 } : {}),
  };
}

function placeAfter(type: TargetObjectType, next: string | undefined): Place {
  if (next !== undefined) return { phase: "objects", type, from: next };
  return type === "user" ? { phase: "objects", type: "group" } : { phase: "unseen", shard: 0 };
}

async function ownersOf({ context, configurationId }: LookDeps, states: readonly TargetState[]): Promise<Owned> {
  const holders = await context.claims.holders(states.map(({ id }): Claim => ({ kind: "targetId", value: id })));
  const owners = states.map((state, index) => {
    const holder = holders[index];
    return { state, owner: holder?.kind === "taken" ? objectOf(holder.owner) : undefined };
  });
  const byConfiguration = groupBy(
    owners.flatMap(({ owner }) => owner ?? []),
    (owner) => owner.configurationId,
  );
  const records = new Map<string, ObjectRecord>();
  for (const [configuration, own] of byConfiguration) {
    const guids = [...new Set(own.map(({ objectGuid }) => objectGuid))];
    const isOurs = configuration === configurationId;
    // Of other directories' objects nothing is needed but whether they still have it.
    const found = await context.objects.getMany(configuration, guids);
    for (const [guid, { record }] of found)
      records.set(ownerOf(configuration, guid), isOurs ? record : { ...record, image: {} });
  }
  const own: { state: TargetState; record: ObjectRecord }[] = [];
  const free: TargetState[] = [];
  for (const { state, owner } of owners) {
    const record = owner && records.get(ownerOf(owner.configurationId, owner.objectGuid));
    const isHeld = record?.link?.targetId === state.id && record.link.deletedAt === undefined;
    if (record && isHeld && record.configurationId === configurationId) own.push({ state, record });
    else if (!isHeld && !state.synchronized) free.push(state);
  }
  return { own, free };
}

/** Those that an object of ours without link would be matched with by its anchor. */
async function matchableOf(
  { context, configurationId }: LookDeps,
  free: readonly TargetState[],
): Promise<Extract<Candidate, { kind: "foreign" }>[]> {
  const claims = free.map(
    (state): Claim => ({
      kind: state.type === "group" ? "uniqueName" : "sourceAnchor",
      value: (state.type === "group" ? state.uniqueName : state.immutableId) ?? "",
    }),
  );
  const known = claims.filter(({ value }) => value !== "");
  const holders = await context.claims.holders(known);
  const guids = free.map((state, index) => {
    const claim = claims[index];
    const holder = claim && holders[known.indexOf(claim)];
    const owner = holder?.kind === "taken" ? objectOf(holder.owner) : undefined;
    if (owner) return owner.configurationId === configurationId ? owner.objectGuid : undefined;
    return guidOfAnchor(state, configurationId);
  });
  const wanted = [...new Set(guids.flatMap((guid) => guid ?? []))];
  if (wanted.length === 0) return [];
  const stored = await context.objects.getMany(configurationId, wanted);
  return free.flatMap((state, index): Extract<Candidate, { kind: "foreign" }>[] => {
    const objectGuid = guids[index] ?? "";
    const record = stored.get(objectGuid)?.record;
    if (!record || context.excluded(objectGuid) || context.excluded(state.id)) return [];
    const { link: _, ...bare } = record;
    const evaluation = context.mapping.evaluate(bare, { creating: true });
    if (!isMatchable(record, evaluation, state)) return [];
    return [{ kind: "foreign", objectGuid, targetId: state.id, type: state.type }];
  });
}

/** Of whom nobody knows the class: its name is shown unless one of those that go to its type redacts names. */
function foreignFinding(state: TargetState, redacted: readonly string[]): Finding {
  const name = state.userPrincipalName ?? state.uniqueName ?? null;
  const property = state.userPrincipalName === undefined ? "uniqueName" : "userPrincipalName";
  return {
    kind: "foreign",
    type: state.type,
    objectGuid: null,
    targetId: state.id,
    property: null,
    expected: null,
    actual: name !== null && redacted.includes(property) ? REDACTED : name,
    memberGuid: null,
    done: "reported",
    note: null,
  };
}

/** Of one of 16 parts of the linked objects, those that were on no page. */
export async function lookForUnseen(
  { context, configurationId, files }: LookDeps,
  row: ReconcileRow,
  { shard }: Extract<Place, { phase: "unseen" }>,
): Promise<Looked> {
  const name = SHARDS[shard];
  const place: Place =
    shard + 1 < SHARDS.length ? { phase: "unseen", shard: shard + 1 } : { phase: "members", file: 0, offset: 0 };
  if (name === undefined) return { place, counts: {}, candidates: [] };
  const seen = new Set<string>();
  for (let page = 0; page < row.pages; page++) {
    const parts = await files.need<Readonly<Record<string, readonly string[]>>>(`seen-${page}`);
    for (const guid of parts[name] ?? []) seen.add(guid);
  }
  const candidates: Candidate[] = [];
  for await (const page of context.objects.summaries(configurationId, name)) {
    for (const { objectGuid, linked } of page)
      if (linked && !seen.has(objectGuid) && !context.excluded(objectGuid))
        candidates.push({ kind: "missing", objectGuid });
  }
  return { place, counts: {}, candidates };
}
