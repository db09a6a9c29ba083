/** What the target has of a name, read at this moment, with the source object that each belongs to by the index. */
import type { TargetObjectReply } from "../../contracts/admin/target-objects.ts";
import { isGuid } from "../../domain/values.ts";
import type { TargetDirectory, TargetFailure, TargetObject, TargetQuery } from "../../ports/target-directory.ts";
import { fail, ok, type Result } from "../failure.ts";
import { type ClaimIndex, type ClaimResult, objectOf } from "../state/claim-index.ts";
import { tellingTarget } from "../target-failure.ts";

/** Failures: what the target said (503, 409). Nothing found is an empty list. */
export type FindTargetObjects = (name: string) => Promise<Result<readonly TargetObjectReply[]>>;

export function createFindTargetObjects(deps: {
  readonly target: Pick<TargetDirectory, "find">;
  readonly claims: Pick<ClaimIndex, "holders">;
}): FindTargetObjects {
  return tellingTarget(async (name: string) => {
    const refused: TargetFailure[] = [];
    const answers = await deps.target.find(queriesOf(name), { onRefused: (_, failure) => refused.push(failure) });
    const objects = [...new Map(answers.flat().map((object) => [object.id, object])).values()];
    const [refusal] = refused;
    // One of the questions may be none to the target: no anchor of a group has that form. Where another one was answered, that is no matter.
    if (objects.length === 0 && refusal)
      return fail({ status: 409, code: "target-refused", message: refusal.message, remedy: refusal.remedy });
    const holders = await deps.claims.holders(objects.map(({ id }) => ({ kind: "targetId", value: id })));
    return ok(objects.map((object, at) => replyOf(object, holders[at])));
  });
}

/** By what the value can be; a source anchor may look like anything. */
function queriesOf(value: string): readonly TargetQuery[] {
  const id = value.toLowerCase();
  return [
    ...(isGuid(id) ? (["user", "group"] as const).map((type) => ({ by: "id", value: id, type }) as const) : []),
    ...(value.includes("@") ? (["userPrincipalName", "mail"] as const).map((by) => ({ by, value })) : []),
    ...(["immutableId", "deletedImmutableId", "uniqueName", "deletedUniqueName"] as const).map((by) => ({ by, value })),
  ];
}

function replyOf(object: TargetObject, holder: ClaimResult | undefined): TargetObjectReply {
  return {
    id: object.id,
    type: object.type,
    userPrincipalName: object.userPrincipalName ?? null,
    mail: object.mail ?? null,
    displayName: object.displayName ?? null,
    accountEnabled: object.accountEnabled ?? null,
    immutableId: object.immutableId ?? null,
    uniqueName: object.uniqueName ?? null,
    synchronized: object.synchronized,
    deleted: object.deleted,
    linkedTo: holder?.kind === "taken" ? objectOf(holder.owner) : null,
  };
}
