/**
 * Claims that met a target object which nobody owns, as the index was filled once: what the target says now decides.
 *
 * An object without link may be that target object (matching). A linked one can't be; but the target object may be gone
 * or renamed meanwhile, and then the value is free.
 */
import type { MatchVerdict } from "../../domain/match.ts";
import type { TargetQuery } from "../../ports/target-directory.ts";
import { createInDoubt } from "../export/export-records.ts";
import type { ChunkHeader, ObjectFailure } from "../lanes/chunk-files.ts";
import type { Draft, MapDeps } from "../mapping/draft-object.ts";
import { ownerOf } from "../state/claim-index.ts";
import { matchTargets } from "./match-target.ts";
import type { ClaimAnswer } from "./object-claims.ts";

/** What to do where matching met what it may not have. */
export const DECIDE = "Decide which object is right, and change or remove the other.";

export type MatchAnswer =
  | { readonly targetId: string; readonly by: string; readonly restore: boolean; readonly accountEnabled?: boolean }
  | { readonly failure: ObjectFailure };

export interface ResolvedCandidates {
  /** The answers, in order, with what became of candidates. */
  readonly answers: readonly (readonly ClaimAnswer[])[];
  readonly matches: ReadonlyMap<string, MatchAnswer>;
}

export async function resolveCandidates(
  deps: MapDeps,
  header: ChunkHeader,
  drafts: readonly Draft[],
  before: ResolvedCandidates,
): Promise<ResolvedCandidates> {
  const answers = before.answers.map((own) => [...own]);
  const open = drafts.flatMap((draft, index) => {
    const own = answers[index] ?? [];
    const isAsked = !draft.record.link && (draft.seeksMatch || joinsOnly(draft) || goesByAddress(draft));
    return isAsked || own.some((answer) => answer.result.kind === "candidate") ? [{ draft, own }] : [];
  });
  await freeStaleValues(
    deps,
    header,
    open.filter(({ draft }) => draft.record.link !== undefined),
  );
  const matches = await matchUnlinked(
    deps,
    header,
    open.filter(({ draft, own }) => !draft.record.link && !own.some((answer) => answer.result.kind === "taken")),
  );
  return { answers, matches: new Map([...before.matches, ...matches]) };
}

/** No create will meet whoever came to the target since the index was filled: a new or changed object asks by itself. */
function joinsOnly({ evaluation, isChanged }: Draft): boolean {
  return isChanged && evaluation.kind === "present" && evaluation.flows?.adds === false && evaluation.flows.updates;
}

/**
 * An address that isn't sent meets nobody in the index, and no create is refused for it: a new object asks by itself. One whose create
 * may have been carried out doesn't: what it finds may be its own, and that is looked up by those who send it again.
 */
function goesByAddress({ evaluation, isChanged, record }: Draft): boolean {
  if (createInDoubt(record) !== undefined) return false;
  if (evaluation.kind !== "present" || evaluation.identity.type !== "user") return false;
  return evaluation.identity.address !== undefined && (isChanged || evaluation.flows?.adds !== false);
}

interface Open {
  readonly draft: Draft;
  /** Written over with what became of the candidates. */
  readonly own: ClaimAnswer[];
}

async function freeStaleValues(deps: MapDeps, header: ChunkHeader, open: readonly Open[]): Promise<void> {
  const asked = open.flatMap(({ draft, own }) =>
    own.flatMap(({ claim, result }, at) => (result.kind === "candidate" ? [{ draft, own, at, claim, result }] : [])),
  );
  if (asked.length === 0) return;
  // What the target doesn't answer isn't free.
  const unanswered = new Set<number>();
  const found = await deps.target.find(
    asked.map(({ claim }): TargetQuery => ({ by: queryOf(claim.kind), value: claim.value })),
    { onRefused: (at) => void unanswered.add(at) },
  );
  for (const [index, { draft, own, at, claim, result }] of asked.entries()) {
    const holders = (found[index] ?? []).filter((object) => object.id !== draft.record.link?.targetId);
    if (holders.length > 0 || unanswered.has(index)) continue;
    const owner = ownerOf(header.configurationId, draft.objectGuid);
    own[at] = { claim, result: await deps.claims.take({ owner, claim }, result.targetId) };
  }
}

async function matchUnlinked(
  deps: MapDeps,
  header: ChunkHeader,
  open: readonly Open[],
): Promise<Map<string, MatchAnswer>> {
  const matches = new Map<string, MatchAnswer>();
  const asking = open.flatMap(({ draft, own }) =>
    draft.evaluation.kind === "present"
      ? [{ draft, own, identity: draft.evaluation.identity, owner: ownerOf(header.configurationId, draft.objectGuid) }]
      : [],
  );
  const verdicts = await matchTargets(deps, asking);
  for (const [index, { draft, own, owner }] of asking.entries()) {
    const verdict = verdicts[index] ?? { kind: "none" };
    if (verdict.kind === "refused" || verdict.kind === "unanswered") {
      matches.set(draft.objectGuid, refusedMatch(verdict));
      continue;
    }
    if (verdict.kind === "match") {
      const { id: targetId, by, restore, accountEnabled } = verdict;
      matches.set(draft.objectGuid, {
        targetId,
        by,
        restore,
        ...(accountEnabled === undefined ? {} : { accountEnabled }),
      });
    }
    // Without a match the candidate is gone or was renamed since the index was filled: its values are free.
    for (const [at, { claim, result }] of own.entries()) {
      if (result.kind !== "candidate") continue;
      const targetId = verdict.kind === "match" ? verdict.id : result.targetId;
      own[at] = { claim, result: await deps.claims.take({ owner, claim }, targetId) };
    }
  }
  return matches;
}

export function refusedMatch(verdict: Extract<MatchVerdict, { kind: "refused" | "unanswered" }>): MatchAnswer {
  const { code, message } = verdict;
  const remedy = verdict.kind === "unanswered" ? verdict.remedy : DECIDE;
  return { failure: { code, message, remedy } };
}

type ClaimQuery = "id" | "immutableId" | "userPrincipalName" | "mail" | "uniqueName";

function queryOf(kind: ClaimAnswer["claim"]["kind"]): ClaimQuery {
  if (kind === "targetId") return "id";
  return kind === "sourceAnchor" ? "immutableId" : kind;
}
