/** Why what the directory has under a name can't be provisioned on demand. Pure. */
import type { FoundObject, ObjectName, ReadAnswer } from "../../contracts/agent-commands.ts";
import type { Failure } from "../failure.ts";
import type { CommandEntry } from "../state/command-rows.ts";

export function askedFault(
  { subject, members, types }: Pick<CommandEntry, "subject" | "members" | "types">,
  answer: ReadAnswer,
): Failure | undefined {
  const own = faultOfOne(subject, types[0] ?? null, answer.object);
  if (own) return own;
  for (const [index, name] of members.entries()) {
    const found = answer.members[index];
    const fault = found ? faultOfOne(name, types[index + 1] ?? null, found) : nobody(name);
    if (fault) return fault;
    if (found?.kind === "found" && found.isMember !== true)
      return refused(name, "is not listed as a member by the group itself", "Name members that the group lists.");
    if (found?.kind === "found" && found.change.op === "upsert" && found.change.objectClass.toLowerCase() === "group")
      return refused(name, "is a group", "Nested groups aren't taken along: provision the group itself.");
  }
  const isGroup = answer.object.kind === "found" && isGroupOrOut(answer.object);
  const [first] = members;
  if (first && !isGroup) return refused(first, "can't be a member: the object is no group", "Leave members out.");
  return undefined;
}

function isGroupOrOut({ change }: Extract<FoundObject, { kind: "found" }>): boolean {
  return change.op === "leave" || (change.op === "upsert" && change.objectClass.toLowerCase() === "group");
}

function faultOfOne(name: ObjectName, type: string | null, found: FoundObject): Failure | undefined {
  if (found.kind === "missing") {
    switch (found.why) {
      case "nobody":
        return nobody(name);
      case "several":
        return {
          status: 409,
          code: "object-ambiguous",
          message: `Several objects of the directory are called ${shown(name)}.`,
          remedy: "Name it by its objectGUID.",
        };
      case "deleted":
        return {
          status: 404,
          code: "object-deleted",
          message: `The object ${shown(name)} is deleted in the directory.`,
          remedy: "Nothing is removed on demand: the next read brings its deletion.",
        };
      case "class":
        return notProvisioned(name, "is of a class that the job's schema doesn't map");
    }
  }
  const { change } = found;
  // Another object than the one that was asked for is no answer.
  if (name.by === "guid" && change.objectGuid !== name.value) return nobody(name);
  if (change.op === "container") return notProvisioned(name, "is an organizational unit");
  if (change.op === "upsert" && type !== null && type.toLowerCase() !== change.objectClass.toLowerCase())
    return {
      status: 409,
      code: "object-type-mismatch",
      message: `The object ${shown(name)} is a ${change.objectClass}, not a ${type}.`,
      remedy: `Give the objectTypeName ${change.objectClass}, or leave it out.`,
    };
  return undefined;
}

function nobody(name: ObjectName): Failure {
  return {
    status: 404,
    code: "object-not-found",
    message: `The directory has no object ${shown(name)} that the agent's account may read.`,
    remedy: "Check the name; the objectGUID stays the same when an object is renamed or moved.",
  };
}

function notProvisioned(name: ObjectName, why: string): Failure {
  return {
    status: 409,
    code: "object-not-provisioned",
    message: `The object ${shown(name)} ${why}.`,
    remedy: "Name a user, a group, or what else the schema maps.",
  };
}

function refused(name: ObjectName, why: string, remedy: string): Failure {
  return { status: 409, code: "member-refused", message: `The object ${shown(name)} ${why}.`, remedy };
}

function shown({ by, value }: ObjectName): string {
  const word = { dn: "with the distinguished name", guid: "with the objectGUID", upn: "with the UPN" }[by];
  return `${word} '${value}'`;
}
