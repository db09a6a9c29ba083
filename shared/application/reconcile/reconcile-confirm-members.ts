/**
 * A reconcile's second look at memberships: what a group lacked or had too much twice, with a while in between.
 *
 * A member that an edge of ours stands for and that isn't there is missing. One that is there and that no edge stands for is
 * foreign: it is told, and taken out (through the guard, like any removal) only of a group that we made ourselves, and
 * only if it is an object of ours.
 */
import type { Edge } from "../../domain/links.ts";
import type { Claim } from "../../domain/object-record.ts";
import type { TargetObjectType, TargetQuery } from "../../ports/target-directory.ts";
import { objectOf } from "../state/claim-index.ts";
import { segmentOf } from "../state/link-segments.ts";
import { groupBy } from "../state/object-store.ts";
import type { Finding } from "../state/reconcile-rows.ts";
import { addAct, type ConfirmDeps, type Deciding, left, type Of, unreadable } from "./reconcile-decision.ts";
import { holdersOf } from "./reconcile-holders.ts";
import { compareGroups, keyOf, type MemberDeps } from "./reconcile-members.ts";
import type { GroupRef, MemberDrift } from "./reconcile-objects.ts";

export type ConfirmMemberDeps = ConfirmDeps & MemberDeps;

/** Groups whose members came in one page. Throws `TargetUnavailable`. */
export async function confirmMembers(
  deps: ConfirmMemberDeps,
  candidates: readonly Of<"members">[],
  into: Deciding,
): Promise<void> {
  if (candidates.length === 0) return;
  const { drifts, refused } = await compareGroups(deps, candidates);
  for (const candidate of candidates) {
    const refusal = refused.get(candidate.targetId);
    if (refusal) {
      into.findings.push({ finding: unreadable({ ...candidate, type: "group" }, refusal) });
      continue;
    }
    const now = drifts.find(({ objectGuid }) => objectGuid === candidate.objectGuid);
    const same = now && bothTimes(candidate, now);
    if (!same || same.lacking.length + same.extra.length === 0) into.unsettled++;
    else await decideMembers(deps, candidate, same, into);
  }
}

export function bothTimes(before: MemberDrift, now: MemberDrift): MemberDrift {
  const lacked = new Set(before.lacking);
  const had = new Set(before.extra);
  return { lacking: now.lacking.filter((guid) => lacked.has(guid)), extra: now.extra.filter((id) => had.has(id)) };
}

/** What is to be done for the members of one group. Throws `TargetUnavailable`. */
export async function decideMembers(
  deps: ConfirmMemberDeps,
  group: GroupRef,
  drift: MemberDrift,
  into: Deciding,
): Promise<void> {
  const lacking = await lackingFindings(deps, group, drift.lacking, into);
  const extra = await extraFindings(deps, group, drift.extra, into);
  const { policy } = deps;
  const going = policy === "repair" ? extra.flatMap(({ guid, finding }) => (guid ? [{ guid, finding }] : [])) : [];
  const isMended = policy !== "report" && lacking.length + going.length > 0;
  const act = isMended
    ? addAct(into, {
        do: "edges",
        group: { objectGuid: group.objectGuid, targetId: group.targetId },
        lacking: lacking.flatMap(({ memberGuid }) => memberGuid ?? []),
        extra: going.map(({ guid, finding }) => ({ guid, target: String(finding.actual) })),
        to: policy === "adopt" ? "waived" : "none",
      })
    : undefined;
  const mended = act === undefined ? {} : { act };
  for (const finding of lacking) into.findings.push({ finding, ...mended });
  for (const { finding, guid } of extra)
    into.findings.push({ finding, ...(policy === "repair" && guid !== undefined ? mended : {}) });
}

async function lackingFindings(
  deps: ConfirmMemberDeps,
  group: GroupRef,
  guids: readonly string[],
  into: Deciding,
): Promise<Finding[]> {
  const { context, configurationId } = deps;
  const lights = await context.objects.lights(configurationId, guids);
  const elsewhere = guids.filter((guid) => !lights.has(guid));
  const targets = new Map(
    [...(await edgesTo(deps, group, elsewhere))].flatMap(([guid, { target }]) => (target ? [[guid, target]] : [])),
  );
  const holders = await holdersOf(context, [...targets.values()]);
  const known = guids.flatMap((guid) => {
    const light = lights.get(guid) ?? holders.get(targets.get(guid) ?? "");
    if (light?.targetId === undefined) return [];
    const type: TargetObjectType = light.objectClass === "group" ? "group" : "user";
    return [{ objectGuid: guid, targetId: light.targetId, type }];
  });
  const refused = new Set<string>();
  // Who isn't there himself is told as missing; his memberships come back with him.
  const found = await context.target.find(
    known.map(({ targetId: value, type }): TargetQuery => ({ by: "id", value, type })),
    {
      onRefused: (at, failure) => {
        const own = known[at];
        if (!own) return;
        refused.add(own.objectGuid);
        into.findings.push({ finding: unreadable(own, failure) });
      },
    },
  );
  const gone = new Set(
    known.flatMap(({ objectGuid }, at) => {
      const isGone = !refused.has(objectGuid) && !found[at]?.some(({ deleted }) => !deleted);
      return isGone ? [objectGuid] : [];
    }),
  );
  if (gone.size > 0) into.unsettled++;
  return guids.flatMap((memberGuid): Finding[] => {
    if (gone.has(memberGuid) || refused.has(memberGuid)) return [];
    const expected = known.find(({ objectGuid }) => objectGuid === memberGuid)?.targetId ?? null;
    return [{ ...memberFinding(group, "missingMember"), expected, memberGuid }];
  });
}

/** `guid`: of those that may be taken out, the source object. */
async function extraFindings(
  deps: ConfirmMemberDeps,
  group: GroupRef,
  ids: readonly string[],
  into: Deciding,
): Promise<{ readonly finding: Finding; readonly guid?: string }[]> {
  const { context, configurationId, policy } = deps;
  if (ids.length === 0) return [];
  const holders = await context.claims.holders(ids.map((value): Claim => ({ kind: "targetId", value })));
  const owners = holders.map((holder) => {
    const owner = holder?.kind === "taken" ? objectOf(holder.owner) : undefined;
    return owner?.configurationId === configurationId ? owner.objectGuid : undefined;
  });
  const guids = owners.flatMap((guid) => guid ?? []);
  const lights = await context.objects.lights(configurationId, guids);
  const wanted = await wantedOf(deps, group, guids);
  const origin = (await context.objects.get(configurationId, group.objectGuid))?.record.link?.origin;
  return ids.flatMap((id, index) => {
    const guid = owners[index];
    const light = guid === undefined ? undefined : lights.get(guid);
    const isOurs = guid !== undefined && light?.targetId === id && light.deletedAt === undefined;
    if (isOurs && wanted.has(guid)) {
      into.unsettled++;
      return [];
    }
    const finding = { ...memberFinding(group, "foreignMember"), actual: id, memberGuid: isOurs ? guid : null };
    if (policy !== "repair") return [{ finding }];
    if (!isOurs) return [{ finding: left(finding, "it is no object of ours") }];
    if (context.excluded(guid)) return [];
    if (origin !== "created") return [{ finding: left(finding, "the group is one that was there before us") }];
    return [{ finding, guid }];
  });
}

/** Of some members those that the source wants in the group: they are on their way. */
async function wantedOf(deps: ConfirmMemberDeps, group: GroupRef, guids: readonly string[]): Promise<Set<string>> {
  const edges = await edgesTo(deps, group, guids);
  return new Set([...edges].flatMap(([guid, { wanted }]) => (wanted ? [guid] : [])));
}

async function edgesTo(deps: ConfirmMemberDeps, group: GroupRef, guids: readonly string[]): Promise<Map<string, Edge>> {
  const edges = new Map<string, Edge>();
  if (guids.length === 0) return edges;
  const [stored] = await deps.links.load([
    { key: keyOf(deps, group), segmentsOf: ({ digits }) => guids.map((guid) => segmentOf(guid, digits)) },
  ]);
  for (const [name, own] of groupBy(guids, (guid) => segmentOf(guid, stored?.header.digits ?? 0)))
    for (const guid of own) {
      const edge = stored?.segments.get(name)?.segment.edges.get(guid);
      if (edge) edges.set(guid, edge);
    }
  return edges;
}

function memberFinding(
  { objectGuid, targetId }: GroupRef,
  kind: Extract<Finding["kind"], "missingMember" | "foreignMember">,
): Finding {
  return {
    kind,
    type: "group",
    objectGuid,
    targetId,
    property: "members",
    expected: null,
    actual: null,
    memberGuid: null,
    done: "reported",
    note: null,
  };
}
