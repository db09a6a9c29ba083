/**
 * Looks for target objects that an object new to the sync may be: asks the target and the index, decides by the rules
 * of `domain/match.ts`. Used where the index names a candidate, and where a create met a conflict.
 */
import { type MatchCandidate, type MatchVerdict, matchObject } from "../../domain/match.ts";
import type { ObjectRecord } from "../../domain/object-record.ts";
import type { TargetDirectory, TargetFailure, TargetObject, TargetQuery } from "../../ports/target-directory.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { TargetIdentity } from "../mapping/job-mapping.ts";
import { type ClaimIndex, type ClaimOwner, objectOf } from "../state/claim-index.ts";
import type { ObjectStore } from "../state/object-store.ts";

export interface MatchRequest {
  readonly owner: ClaimOwner;
  readonly identity: TargetIdentity;
  /** Who would let go of what is his: looked at as if he had. */
  readonly from?: ClaimOwner;
}

export interface MatchDeps {
  readonly target: TargetDirectory;
  readonly claims: ClaimIndex;
  readonly objects: ObjectStore;
  readonly excluded: Excluded;
}

/** One verdict a request, in order. Throws `TargetUnavailable`. */
export async function matchTargets(deps: MatchDeps, requests: readonly MatchRequest[]): Promise<MatchVerdict[]> {
  if (requests.length === 0) return [];
  const queries = requests.map(({ identity }) => queriesFor(identity));
  const refusals = new Map<number, TargetFailure>();
  const onRefused = (at: number, failure: TargetFailure) => void refusals.set(at, failure);
  const answers = await deps.target.find(queries.flat(), { onRefused });
  const unanswered: (TargetFailure | undefined)[] = [];
  let at = 0;
  const found = queries.map((own) => {
    const objects = answers.slice(at, at + own.length).flat();
    unanswered.push(own.flatMap((_, index) => refusals.get(at + index) ?? [])[0]);
    at += own.length;
    return [...new Map(objects.map((object) => [object.id, object])).values()];
  });
  // Somebody would let go for it: what a minute ago was no administrator's may be one's by now.
  const anew = requests.some(({ from }) => from !== undefined);
  const ids = [...new Set(found.flat().map((object) => object.id))];
  const privileged = await deps.target.privileged(ids, { anew });
  return Promise.all(
    requests.map(async (request, index): Promise<MatchVerdict> => {
      const refusal = unanswered[index];
      if (refusal) return unansweredBy(request, refusal);
      const candidates = await Promise.all(
        (found[index] ?? []).map((object) => candidateOf(deps, object, privileged, request)),
      );
      return matchObject(request.identity, candidates);
    }),
  );
}

function unansweredBy({ owner }: MatchRequest, { code, message, remedy }: TargetFailure): MatchVerdict {
  return { kind: "unanswered", code, message: `Source object ${owner} can't be looked for: ${message}`, remedy };
}

function queriesFor(identity: TargetIdentity): TargetQuery[] {
  if (identity.type === "group") {
    const value = identity.uniqueName;
    return [
      { by: "uniqueName", value },
      { by: "deletedUniqueName", value },
    ];
  }
  const address = identity.mail ?? identity.address;
  return [
    { by: "immutableId", value: identity.immutableId },
    { by: "deletedImmutableId", value: identity.immutableId },
    { by: "userPrincipalName", value: identity.userPrincipalName },
    ...(address === undefined ? [] : [{ by: "mail" as const, value: address }]),
  ];
}

/**
 * Whether that object is linked to that target object, and its link lives. The index still names who deleted it, and who was about to
 * take it over and couldn't: neither has a say in who gets it next.
 */
export async function isLinked(
  { objects }: Pick<MatchDeps, "objects">,
  owner: ClaimOwner,
  targetId: string,
): Promise<boolean> {
  const { configurationId, objectGuid } = objectOf(owner);
  return hasLinkTo((await objects.get(configurationId, objectGuid))?.record, targetId);
}

export function hasLinkTo(record: ObjectRecord | undefined, targetId: string): boolean {
  return record?.link?.targetId === targetId && record.link.deletedAt === undefined;
}

async function candidateOf(
  deps: Pick<MatchDeps, "claims" | "objects" | "excluded">,
  object: TargetObject,
  privileged: ReadonlySet<string>,
  { owner, from }: MatchRequest,
): Promise<MatchCandidate> {
  const holder = await deps.claims.holder({ kind: "targetId", value: object.id });
  const isOthers =
    holder?.kind === "taken" &&
    ![owner, from].includes(holder.owner) &&
    (await isLinked(deps, holder.owner, object.id));
  return {
    id: object.id,
    type: object.type,
    ...(object.uniqueName === undefined ? {} : { uniqueName: object.uniqueName }),
    ...(object.userPrincipalName === undefined ? {} : { userPrincipalName: object.userPrincipalName }),
    ...(object.mail === undefined ? {} : { mail: object.mail }),
    ...(object.immutableId === undefined ? {} : { immutableId: object.immutableId }),
    synchronized: object.synchronized,
    deleted: object.deleted,
    ...(object.accountEnabled === undefined ? {} : { accountEnabled: object.accountEnabled }),
    privileged: privileged.has(object.id),
    excluded: deps.excluded(object.id),
    ...(isOthers ? { linkedTo: holder.owner } : {}),
  };
}
