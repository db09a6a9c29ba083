/**
 * Matching of an object that is new to the sync with what the target holds already.
 *
 * A group is matched by its unique name alone, which only we can have given: never by its name or mail. A user, in order: the
 * same immutableId (hard match); then the same user principal name, then the same mail (or, of who has none, the primary address in the
 * directory) (soft match), only for target objects without another immutableId. Never matched: objects that Microsoft's own sync masters, holders of
 * a directory role, what is on the exclusion list. Several candidates, at one step or by name and mail, are an error with all of them named. Deleted objects with the same
 * immutableId (or unique name) are restored rather than twinned (N9).
 */
import type { FailureCode } from "./failure-codes.ts";
import type { TargetType } from "./target-table.ts";
import { sameUpn } from "./values.ts";

export interface MatchCandidate {
  readonly id: string;
  readonly type: TargetType;
  readonly userPrincipalName?: string;
  readonly mail?: string;
  readonly immutableId?: string;
  readonly uniqueName?: string;
  readonly synchronized: boolean;
  readonly deleted: boolean;
  readonly accountEnabled?: boolean;
  /** Holds a directory role or is in a role-assignable group. */
  readonly privileged: boolean;
  /** On the exclusion list. */
  readonly excluded: boolean;
  /** The source object that has a link to it, where one has. */
  readonly linkedTo?: string;
}

export type MatchedBy = "immutableId" | "userPrincipalName" | "mail" | "uniqueName";

export type MatchVerdict =
  | { readonly kind: "none" }
  | {
      readonly kind: "match";
      readonly id: string;
      readonly by: MatchedBy;
      readonly restore: boolean;
      /** Whether its account is enabled now, where that is known. */
      readonly accountEnabled?: boolean;
    }
  | {
      readonly kind: "refused";
      readonly code:
        | "DuplicateTargetEntries"
        | "ExistingAdminRoleConflict"
        | "InvalidSoftMatch"
        | "InvalidHardMatch"
        | "AttributeValueMustBeUnique"
        | "TargetExcluded";
      readonly message: string;
    }
  | {
      /** The target didn't answer what was asked about this object: nothing is known. */
      readonly kind: "unanswered";
      readonly code: FailureCode;
      readonly message: string;
      readonly remedy: string;
    };

export type MatchWish =
  | {
      readonly type: "user";
      readonly immutableId: string;
      readonly userPrincipalName: string;
      readonly mail?: string;
      /** Stands in for a mail that it doesn't have, and is given to nobody. */
      readonly address?: string;
    }
  | { readonly type: "group"; readonly uniqueName: string };

type UserWish = Extract<MatchWish, { type: "user" }>;

export function matchObject(wish: MatchWish, candidates: readonly MatchCandidate[]): MatchVerdict {
  const free = candidates
    .filter((candidate) => candidate.type === wish.type)
    .sort((left, right) => (left.id < right.id ? -1 : 1));
  const by = wish.type === "group" ? "uniqueName" : "immutableId";
  const hard = free.filter((candidate) =>
    wish.type === "group" ? candidate.uniqueName === wish.uniqueName : candidate.immutableId === wish.immutableId,
  );
  const living = hard.filter((candidate) => !candidate.deleted);
  if (living.length > 0) return settle(living, by);
  if (hard.length > 0) return settle(hard, by);
  if (wish.type === "group") return { kind: "none" };
  const soft = free.filter((candidate) => !candidate.deleted);
  const byUpn = soft.filter(
    (candidate) =>
      candidate.userPrincipalName !== undefined && sameUpn(candidate.userPrincipalName, wish.userPrincipalName),
  );
  const byMail = withMail(wish, soft);
  const others = byMail.filter((candidate) => !byUpn.includes(candidate));
  if (byUpn.length > 0 && others.length > 0) return severalNames(byUpn, others);
  if (byUpn.length > 0) return settle(byUpn, "userPrincipalName");
  return byMail.length > 0 ? settle(byMail, "mail") : { kind: "none" };
}

/** What somebody else is linked to is nobody's by an address that stays in the directory: there is nothing to contend for. */
function withMail({ mail, address }: UserWish, candidates: readonly MatchCandidate[]): readonly MatchCandidate[] {
  const wanted = mail ?? address;
  if (wanted === undefined) return [];
  const found = candidates.filter((candidate) => candidate.mail !== undefined && sameUpn(candidate.mail, wanted));
  return mail === undefined ? found.filter((candidate) => candidate.linkedTo === undefined) : found;
}

/** Whether it was found by what is given to one object for life. */
export function isByAnchor(by: MatchedBy): boolean {
  return by === "immutableId" || by === "uniqueName";
}

/** The name of one person and the mail of another: which of them it is, is no guess to make. */
function severalNames(byUpn: readonly MatchCandidate[], byMail: readonly MatchCandidate[]): MatchVerdict {
  const ids = (candidates: readonly MatchCandidate[]) => candidates.map((candidate) => candidate.id).join(", ");
  return {
    kind: "refused",
    code: "DuplicateTargetEntries",
    message: `${byUpn.length + byMail.length} target objects could be matched: ${ids(byUpn)} by userPrincipalName, ${ids(byMail)} by mail.`,
  };
}

function settle(candidates: readonly MatchCandidate[], by: MatchedBy): MatchVerdict {
  const [only] = candidates;
  if (candidates.length !== 1 || !only) {
    const ids = candidates.map((candidate) => candidate.id).join(", ");
    return {
      kind: "refused",
      code: "DuplicateTargetEntries",
      message: `${candidates.length} target objects have the same ${by}: ${ids}.`,
    };
  }
  if (only.excluded) {
    return {
      kind: "refused",
      code: "TargetExcluded",
      message: `Target object ${only.id} has the same ${by} and is on the exclusion list.`,
    };
  }
  if (only.linkedTo !== undefined) {
    return {
      kind: "refused",
      code: "AttributeValueMustBeUnique",
      message: `Target object ${only.id} has the same ${by} and belongs to source object ${only.linkedTo}.`,
    };
  }
  if (only.synchronized) {
    return {
      kind: "refused",
      code: "InvalidHardMatch",
      message: `Target object ${only.id} has the same ${by} and is mastered by another directory synchronisation.`,
    };
  }
  if (only.privileged) {
    return {
      kind: "refused",
      code: "ExistingAdminRoleConflict",
      message: `Target object ${only.id} has the same ${by} and holds a directory role.`,
    };
  }
  if (!isByAnchor(by) && only.immutableId !== undefined) {
    return {
      kind: "refused",
      code: "InvalidSoftMatch",
      message: `Target object ${only.id} has the same ${by} and another source anchor.`,
    };
  }
  const { accountEnabled } = only;
  return {
    kind: "match",
    id: only.id,
    by,
    restore: only.deleted,
    ...(accountEnabled === undefined ? {} : { accountEnabled }),
  };
}
