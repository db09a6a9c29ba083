/**
 * The unique values that an object wants, holds and gives up.
 *
 * Held are the values that were exported for a link that lives (with the target's id), and those claimed in the index
 * and not exported yet, which the row keeps as `claims`: without them a value that an object claimed and never got to
 * export would stay taken for ever. Pure; the index itself is `state/claim-index.ts`.
 */
import type { Claim, Link, ObjectRecord } from "../../domain/object-record.ts";
import { normalUpn } from "../../domain/values.ts";
import { type Excluded, targetExcluded } from "../exclusions/excluded.ts";
import type { ObjectFailure } from "../lanes/chunk-files.ts";
import type { TargetIdentity } from "../mapping/job-mapping.ts";
import { type ClaimOwner, type ClaimResult, objectOf } from "../state/claim-index.ts";

export interface ClaimAnswer {
  readonly claim: Claim;
  readonly result: ClaimResult;
}

export function identityClaims(identity: TargetIdentity): Claim[] {
  if (identity.type === "group") return [{ kind: "uniqueName", value: identity.uniqueName }];
  return [
    { kind: "sourceAnchor", value: identity.immutableId },
    { kind: "userPrincipalName", value: normalUpn(identity.userPrincipalName) },
    ...(identity.mail === undefined ? [] : [{ kind: "mail" as const, value: normalUpn(identity.mail) }]),
  ];
}

/** The values that a link's target object has by what was exported for it; none when it was deleted. */
export function exportedClaims(link: Link | undefined): Claim[] {
  if (!link || link.deletedAt !== undefined) return [];
  const text = (name: string) => (typeof link.exported[name] === "string" ? link.exported[name] : undefined);
  const anchor = text("onPremisesImmutableId");
  const upn = text("userPrincipalName");
  const mail = text("mail");
  const uniqueName = text("uniqueName");
  return [
    ...(anchor === undefined ? [] : [{ kind: "sourceAnchor" as const, value: anchor }]),
    ...(upn === undefined ? [] : [{ kind: "userPrincipalName" as const, value: normalUpn(upn) }]),
    ...(mail === undefined ? [] : [{ kind: "mail" as const, value: normalUpn(mail) }]),
    ...(uniqueName === undefined ? [] : [{ kind: "uniqueName" as const, value: uniqueName }]),
  ];
}

/** All that the index should name this object for, as its row says. */
export function heldClaims(record: ObjectRecord): Claim[] {
  const { link } = record;
  return [
    // Also when we deleted it: whoever is given that target object has to find who had it.
    ...(link ? [{ kind: "targetId" as const, value: link.targetId }] : []),
    ...exportedClaims(link),
    ...(record.claims ?? []),
  ];
}

/** `claims` without those in `others`, each once. */
export function claimsWithout(claims: readonly Claim[], others: readonly Claim[]): Claim[] {
  const drop = new Set(others.map(nameOf));
  const left = claims.filter((claim) => !drop.has(nameOf(claim)));
  return [...new Map(left.map((claim) => [nameOf(claim), claim])).values()];
}

/** The record with these claims beside what was exported. */
export function withClaims(record: ObjectRecord, claims: readonly Claim[]): ObjectRecord {
  const { claims: _, ...rest } = record;
  return claims.length === 0 ? rest : { ...rest, claims };
}

export function propertyOf(claim: Claim): string {
  return claim.kind === "sourceAnchor" ? "onPremisesImmutableId" : claim.kind;
}

/** What to say to an object whose values another one holds. */
export function conflictFailure(own: ClaimOwner, taken: readonly ClaimAnswer[], excluded: Excluded): ObjectFailure {
  const anchor = taken.find((answer) => answer.claim.kind === "sourceAnchor");
  const first = anchor ?? taken[0];
  const holder =
    first?.result.kind === "taken"
      ? `source object ${first.result.owner}`
      : first?.result.kind === "candidate"
        ? `target object ${first.result.targetId}`
        : "another object";
  if (anchor?.result.kind === "taken" && excluded(objectOf(anchor.result.owner).objectGuid))
    return targetExcluded(
      `Source object ${own} has the same source anchor as ${holder}, which is on the exclusion list.`,
    );
  if (anchor) {
    return {
      code: "DuplicateSourceEntries",
      message: `Source object ${own} has the same source anchor as ${holder}, and both are alive.`,
      remedy:
        "Delete one of them, disable it in its directory, or take it out of scope: the other then takes the cloud account over.",
    };
  }
  return {
    code: "AttributeValueMustBeUnique",
    message: `The ${taken.map((answer) => answer.claim.kind).join(" and ")} that source object ${own} wants belongs to ${holder}.`,
    remedy: "Give one of the two another value; the one that waits is tried again by itself.",
  };
}

function nameOf(claim: Claim): string {
  return `${claim.kind}:${claim.value}`;
}
