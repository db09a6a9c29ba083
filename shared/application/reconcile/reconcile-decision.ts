/**
 * What a reconcile's second look decides: findings, and the acts that mend them, by place. Values alone; who decides is in
 * `reconcile-confirm*.ts`, who acts in `reconcile-acts.ts`.
 */
import type { Claim, Link, ObjectRecord } from "../../domain/object-record.ts";
import type { TargetFailure, TargetObjectType, TargetState } from "../../ports/target-directory.ts";
import { claimsWithout } from "../matching/object-claims.ts";
import { groupBy, type StoredObject } from "../state/object-store.ts";
import type { Finding, ReconcilePolicy } from "../state/reconcile-rows.ts";
import { propertiesOf } from "./reconcile-compare.ts";
import type { Candidate, GroupRef, LookDeps } from "./reconcile-objects.ts";

export type Act =
  /** Writes the link (null: none) if the row is still as it was, and the values that it stands for beside it. */
  | {
      readonly do: "link";
      readonly objectGuid: string;
      readonly etag: string;
      readonly link: Link | null;
      readonly claims: readonly Claim[];
    }
  /** Has the object looked for in the target. */
  | { readonly do: "seek"; readonly objectGuid: string }
  /** Members that are to be added again, or given up; and others that are to be taken out. */
  | {
      readonly do: "edges";
      readonly group: GroupRef;
      readonly lacking: readonly string[];
      readonly extra: readonly { readonly guid: string; readonly target: string }[];
      readonly to: "none" | "waived";
    };

export interface DecidedFinding {
  readonly finding: Finding;
  /** The act that mends it, by its place. */
  readonly act?: number;
}

export interface Decision {
  readonly findings: readonly DecidedFinding[];
  readonly acts: readonly Act[];
  readonly unsettled: number;
}

export interface ConfirmDeps extends LookDeps {
  readonly policy: ReconcilePolicy;
}

export type Of<K extends Candidate["kind"]> = Extract<Candidate, { kind: K }>;

/** A decision in the making. */
export interface Deciding {
  readonly findings: DecidedFinding[];
  readonly acts: Act[];
  unsettled: number;
}

export const newDecision = (): Deciding => ({ findings: [], acts: [], unsettled: 0 });

/** Their rows, by objectGUID. */
export function rowsOf(
  { context, configurationId }: ConfirmDeps,
  candidates: readonly { readonly objectGuid: string }[],
): Promise<ReadonlyMap<string, StoredObject>> {
  return context.objects.getMany(
    configurationId,
    candidates.map(({ objectGuid }) => objectGuid),
  );
}

/** Rows first, the target after them: a row that is still the same later was not exported in between. Throws `TargetUnavailable`. */
export async function rowsAndStates(deps: ConfirmDeps, candidates: readonly (Of<"changed"> | Of<"foreign">)[]) {
  const stored = await rowsOf(deps, candidates);
  const asked = candidates.map(({ targetId, type }) => ({ id: targetId, type }));
  return { stored, ...(await statesOf(deps, asked)) };
}

/** By their ids: what the target shows, and about which ones it refuses to be asked. */
export interface States {
  readonly states: ReadonlyMap<string, TargetState>;
  readonly refused: ReadonlyMap<string, TargetFailure>;
}

/** Each object by itself, as the target shows it now. Throws `TargetUnavailable`. */
export async function statesOf(
  { context }: ConfirmDeps,
  asked: readonly { readonly id: string; readonly type: TargetObjectType }[],
): Promise<States> {
  const states = new Map<string, TargetState>();
  const refused = new Map<string, TargetFailure>();
  for (const [type, own] of groupBy(asked, ({ type }) => type)) {
    const ids = [...new Set(own.map(({ id }) => id))];
    const onRefused = (at: number, failure: TargetFailure) => void refused.set(ids[at] ?? "", failure);
    const found = await context.target.states(type, ids, propertiesOf(type), { onRefused });
    for (const state of found) if (state) states.set(state.id, state);
  }
  return { states, refused };
}

export function linkAct(
  { objectGuid }: ObjectRecord,
  etag: string | undefined,
  link: Link | null,
  claims: readonly Claim[],
): Act {
  return { do: "link", objectGuid, etag: etag ?? "", link, claims: claimsWithout(claims, []) };
}

export function addAct(into: Deciding, act: Act): number {
  return into.acts.push(act) - 1;
}

/** That it is missing; other findings begin with it. */
export function findingOf(
  { objectGuid }: Pick<ObjectRecord, "objectGuid">,
  { targetId }: Pick<Link, "targetId">,
  type: TargetObjectType,
): Finding {
  return {
    kind: "missing",
    type,
    objectGuid,
    targetId,
    property: null,
    expected: targetId,
    actual: null,
    memberGuid: null,
    done: "reported",
    note: null,
  };
}

/** The target refused to be asked about it, or about its members: nothing is concluded of it, and nothing mended. */
export function unreadable(
  {
    objectGuid,
    targetId,
    type,
  }: { readonly objectGuid: string; readonly targetId: string; readonly type: TargetObjectType },
  { code, message }: TargetFailure,
): Finding {
  const finding = findingOf({ objectGuid }, { targetId }, type);
  return { ...finding, kind: "unreadable", expected: null, note: `${code}: ${message}` };
}

export function left(finding: Finding, because: string): Finding {
  return { ...finding, done: "left", note: finding.note === null ? because : `${finding.note}; ${because}` };
}

export function ofKind<K extends Candidate["kind"]>(candidates: readonly Candidate[], kind: K): Of<K>[] {
  return candidates.filter((own): own is Of<K> => own.kind === kind);
}
