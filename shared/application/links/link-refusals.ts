/** What is refused to an admin who mends links by hand, and why: joining keeps the bounds that matching has. */
import type { ObjectRecord } from "../../domain/object-record.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";

/**
 * The target object's id, as the target spells it: an admin's spelling (a GUID in capitals) is found just as well, and would equal
 * nothing that is known of it. Throws `TargetUnavailable`.
 */
export async function joinable(
  context: JobContext,
  record: ObjectRecord,
  asked: string,
  anchor: { readonly mayDiffer: boolean } = { mayDiffer: false },
): Promise<Result<string>> {
  const excluded = [record.objectGuid, asked].find(context.excluded);
  if (excluded !== undefined) return fail(onExclusionList(excluded));
  if (record.link && record.link.deletedAt === undefined) return fail(linkedAlready(record));
  if (record.state !== "live") return fail(notLive(record));
  const evaluation = context.mapping.evaluate(record, { creating: true });
  if (evaluation.kind !== "present") {
    const message = `Object ${record.objectGuid} isn't provisioned by this job: ${evaluation.scope || "it can't be mapped"}.`;
    return fail({ status: 422, code: "object-out-of-scope", message, remedy: "Bring it into scope first." });
  }
  const { identity } = evaluation;
  const found = await context.target.find([{ by: "id", value: asked, type: identity.type }]);
  const object = found[0]?.find((own) => own.type === identity.type);
  if (!object || object.deleted) {
    const what = object ? "is deleted" : `is no ${identity.type} of the target`;
    return fail({
      status: 404,
      code: "target-not-found",
      message: `${asked} ${what}.`,
      remedy: "Give the id of a living one.",
    });
  }
  const targetId = object.id;
  const refuse = (message: string, remedy: string) => fail({ status: 422, code: "target-refused", message, remedy });
  if (object.synchronized)
    return refuse(`${targetId} is mastered by another directory synchronisation.`, "Leave it to that one.");
  if ((await context.target.privileged([targetId])).has(targetId))
    return refuse(`${targetId} holds a directory role.`, "Take the role away first, or leave the account alone.");
  const own = identity.type === "user" ? identity.immutableId : identity.uniqueName;
  const theirs = identity.type === "user" ? object.immutableId : object.uniqueName;
  if (theirs !== undefined && theirs !== own && !anchor.mayDiffer)
    return refuse(
      `${targetId} carries the anchor ${theirs}, and object ${record.objectGuid} has ${own}.`,
      "Move it from the object that it belongs to (uplink link move), or clear its anchor in the target.",
    );
  return ok(targetId);
}

export function changedMeanwhile(record: ObjectRecord): Failure {
  return {
    status: 409,
    code: "object-busy",
    message: `The row of object ${record.objectGuid} changed at the same moment.`,
    remedy: "Look at it again (uplink link show) and repeat the command.",
  };
}

export function linkedElsewhere(targetId: string, owner: string): Failure {
  return {
    status: 409,
    code: "target-linked",
    message: `Target object ${targetId} belongs to source object ${owner}.`,
    remedy: "Move it from there (uplink link move), or unlink it there first.",
  };
}

function linkedAlready(record: ObjectRecord): Failure {
  return {
    status: 409,
    code: "object-linked",
    message: `Object ${record.objectGuid} is linked to target object ${record.link?.targetId} already.`,
    remedy: "Unlink it first.",
  };
}

export function nothingLinked(record: ObjectRecord): Failure {
  return {
    status: 409,
    code: "object-not-linked",
    message: `Object ${record.objectGuid} has no link to a living target object.`,
    remedy: "See 'uplink link show'; a link is made with 'uplink link join'.",
  };
}

function onExclusionList(guid: string): Failure {
  return {
    status: 422,
    code: "excluded",
    message: `${guid} is on the exclusion list, or linked to what is.`,
    remedy: "Take the entry off it first (uplink exclusion remove).",
  };
}

function notLive(record: ObjectRecord): Failure {
  return {
    status: 409,
    code: "object-gone",
    message: `Object ${record.objectGuid} is ${record.state} in the directory.`,
    remedy: "Only an object that the directory has can be given a target object.",
  };
}
