/** What is refused to an admin who mends links by hand, and why: joining keeps the bounds that matching has. */
import type { ObjectRecord } from "../domain/object-record.ts";
import type { JobContext } from "./export-chunk.ts";
import type { Failure } from "./failure.ts";

/** Undefined: it may be joined. Throws `TargetUnavailable`. */
export async function joinRefusal(
  context: JobContext,
  record: ObjectRecord,
  targetId: string,
  anchor: { readonly mayDiffer: boolean } = { mayDiffer: false },
): Promise<Failure | undefined> {
  const excluded = [record.objectGuid, targetId].find(context.excluded);
  if (excluded !== undefined) return onExclusionList(excluded);
  if (record.link && record.link.deletedAt === undefined) return linkedAlready(record);
  if (record.state !== "live") return notLive(record);
  const evaluation = context.mapping.evaluate(record, { creating: true });
  if (evaluation.kind !== "present") {
    const message = `Object ${record.objectGuid} isn't provisioned by this job: ${evaluation.scope || "it can't be mapped"}.`;
    return { status: 422, code: "object-out-of-scope", message, remedy: "Bring it into scope first." };
  }
  const { identity } = evaluation;
  const found = await context.target.find([{ by: "id", value: targetId, type: identity.type }]);
  const object = found[0]?.find((own) => own.type === identity.type);
  if (!object || object.deleted) {
    const what = object ? "is deleted" : `is no ${identity.type} of the target`;
    return {
      status: 404,
      code: "target-not-found",
      message: `${targetId} ${what}.`,
      remedy: "Give the id of a living one.",
    };
  }
  const refuse = (message: string, remedy: string): Failure => ({
    status: 422,
    code: "target-refused",
    message,
    remedy,
  });
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
  return undefined;
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
