/**
 * The members that go with a group's create: as many as one write takes, of those that are in the target by now. The rest,
 * and whatever a create without an answer left in doubt, is sent by the links' own engine afterwards.
 */
import { MEMBERS_A_WRITE } from "../../ports/target-directory.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { ExportResult } from "../export/export-objects.ts";
import type { References } from "../export/references.ts";
import type { ChunkHeader, PlannedObject } from "../lanes/chunk-files.ts";
import type { Binding, LinkStore } from "./link-store.ts";

export interface MemberDeps {
  readonly references: References;
  readonly links: LinkStore;
}

export interface WithMembers {
  readonly planned: readonly PlannedObject[];
  readonly bindings: ReadonlyMap<string, Binding>;
}

/** The planned objects in order, creates of groups with the members that were marked as being added. */
export async function bindMembers(
  deps: MemberDeps,
  { configurationId, isFirstLoad }: ChunkHeader,
  planned: readonly PlannedObject[],
  excluded: Excluded,
): Promise<WithMembers> {
  const groups = planned.filter((own) => own.type === "group" && own.action.kind === "create");
  if (groups.length === 0) return { planned, bindings: new Map() };
  const open = await deps.links.firstMembers(
    configurationId,
    groups.map((own) => own.objectGuid),
    MEMBERS_A_WRITE,
  );
  const wanted = [...open.values()].flatMap((group) => group.members);
  const found = await deps.references.resolve(configurationId, wanted, { isFirstLoad });
  const bindings = [...open.values()].flatMap((group): Binding[] => {
    const byTarget = new Map<string, string>();
    for (const { guid } of group.members) {
      const member = found.get(guid);
      const isFree = !excluded(guid) && !excluded(member?.targetId);
      if (member && !member.isDeleted && isFree) byTarget.set(member.targetId, guid);
    }
    const members = [...byTarget].map(([targetId, guid]) => ({ guid, targetId }));
    return members.length === 0 ? [] : [{ group, members }];
  });
  const marked = new Map((await deps.links.markAdding(bindings)).map((own) => [own.group.groupGuid, own]));
  return {
    planned: planned.map((own) => {
      const binding = marked.get(own.objectGuid);
      return binding
        ? {
            ...own,
            members: binding.members.map((member) => member.targetId),
            memberGuids: binding.members.map((member) => member.guid),
          }
        : own;
    }),
    bindings: marked,
  };
}

/** Notes the members of those groups whose create brought them in. */
export async function noteMembers(
  deps: MemberDeps,
  bindings: ReadonlyMap<string, Binding>,
  results: readonly ExportResult[],
): Promise<void> {
  const bound = results.flatMap((result) => {
    if (result.kind !== "settled" || result.isRepeated || result.targetId === undefined) return [];
    const binding = bindings.get(result.planned.objectGuid);
    return binding && isBoundAtCreate(result) ? [{ ...binding, groupTargetId: result.targetId }] : [];
  });
  if (bound.length > 0) await deps.links.markAdded(bound);
}

/** Whether the create took the members with it. */
export function isBoundAtCreate({ planned, outcome, warnings }: Extract<ExportResult, { kind: "settled" }>): boolean {
  const isRefused = warnings.some((warning) => warning.properties?.includes("members"));
  return planned.action.kind === "create" && outcome === "exported" && !isRefused;
}
