/**
 * N1 to N9 as oracles: looked at in the stores themselves and in the journal of the target's effects, never through the engine's
 * own answers. A violation names the guarantee.
 */

import { DAY_PREFIX, type DayRow, dayOf } from "../../shared/application/cycles/accounts.ts";
import type { CommittedWatermark } from "../../shared/application/reading/committed-watermark.ts";
import {
  afterPrefix,
  type BatchRow,
  type CycleRow,
  type JobRow,
  ROW,
  readRow,
  totalOf,
  unpack,
} from "../../shared/application/state/job-rows.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { SimulatedAgent } from "./agent.ts";
import type { Forest } from "./forest.ts";
import type { Effect, FakeGraph } from "./graph.ts";
import { faultsOfLog, readLog } from "./log-oracle.ts";
import { guidOfAnchor } from "./projection.ts";
import type { History } from "./steps.ts";
import type { Strangers } from "./strangers.ts";

export type Guarantee = "N1" | "N2" | "N3" | "N4" | "N5" | "N6" | "N7" | "N8" | "N9" | "orchestration";

export class Violation extends Error {
  readonly guarantee: Guarantee;
  constructor(guarantee: Guarantee, message: string) {
    super(`${guarantee}: ${message}`);
    this.guarantee = guarantee;
  }
}

type Guarded = "deletes" | "disables" | "blanks" | "names" | "memberships";
/** What leaves a target object when the directory empties it, of what the simulation writes. */
const CLEARABLE = ["department", "description"] as const;
const DAY_MS = 86_400_000;

export interface Oracles {
  /** N2 and N7, between two calls. */
  checkAccounts(): Promise<void>;
  /** N1 and N3, between two steps. */
  checkStores(): Promise<void>;
  /** N4, N6, N9: every effect since the last look. */
  checkEffects(): void;
  /** N8: log and effects tell the same. */
  checkLog(): Promise<void>;
  /** N7, when nothing is under way. */
  checkEscrows(): Promise<void>;
  /** A named admin let these go. */
  approve(of: string, guids: readonly string[], each?: number): void;
  /** What begins from now on never touches it, until it is included again. */
  exclude(guid: string): void;
  include(guid: string): void;
  /** The payload of this batch was taken away by the simulation itself. */
  excuseBlob(batchId: string): void;
  /** The forest's job has no bounds any more. */
  liftGuard(forest: number): void;
  /** Whether the object ever had a target object. */
  hasAccount(guid: string): boolean;
}

export function createOracles(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly graph: FakeGraph;
  readonly forests: readonly Forest[];
  readonly agents: readonly SimulatedAgent[];
  readonly strangers: Strangers;
  readonly guard: History["guard"];
  readonly start: number;
  readonly now: () => number;
  /** How often somebody wrote to table `jobs`. */
  readonly writes: () => number;
}): Oracles {
  const { rows, blobs, graph, forests, agents } = deps;
  const jobs = rows.table("jobs");
  const known = new Map<string, { readonly etag: string; readonly value: unknown }>();
  const versions = new Map<string, string>();
  const ids = new Map<string, string>();
  const booked: { readonly of: string; readonly forest: number; readonly guid: string; readonly at: number }[] = [];
  const approved = new Map<string, number>();
  const lifted = new Set<number>();
  const excused = new Set<string>();
  const excluded = new Map<string, number>();
  /** By forest and kind: the objects that ever had a target object. */
  const everSeen = new Map<string, Set<string>>();
  let looked = 0;
  let lookedAt = -1;

  /** Rows as they were, where their etag is: most don't change between two looks. */
  async function listed<T>(jobId: string, prefix: string): Promise<T[]> {
    const found: T[] = [];
    for await (const page of jobs.range(jobId, { from: prefix, to: afterPrefix(prefix), select: [] }))
      for (const { row, etag } of page) {
        const key = `${jobId} ${row}`;
        const before = known.get(key);
        if (before?.etag === etag) {
          found.push(before.value as T);
          continue;
        }
        const whole = await jobs.get(jobId, row);
        if (!whole) continue;
        const { value } = unpack<T>(whole);
        known.set(key, { etag: whole.etag, value });
        found.push(value);
      }
    return found;
  }

  async function checkAccounts(): Promise<void> {
    // Accounts are rows of this table alone: where nobody wrote to it, they are what they were.
    if (lookedAt === deps.writes()) return;
    lookedAt = deps.writes();
    for (const { jobId } of agents) {
      const open = await listed<BatchRow>(jobId, "batch:");
      const done = await listed<BatchRow>(jobId, "done:");
      const watermark = (await readRow<CommittedWatermark>(jobs, jobId, ROW.watermark))?.value;
      for (const batch of open)
        if (watermark && watermark.row >= ROW.done(batch.readNo, batch.sequence))
          throw new Violation(
            "N2",
            `The committed watermark (${watermark.row}) covers ${batch.batchId}, which is open.`,
          );
      for (const batch of done)
        if (!batch.counts || totalOf(batch.counts) !== batch.changes)
          throw new Violation(
            "N7",
            `${batch.batchId} received ${batch.changes}, accounts for ${JSON.stringify(batch.counts)}.`,
          );
      const cycles = await listed<CycleRow>(jobId, "cycle:");
      for (const cycle of cycles)
        if (totalOf(cycle.outcomes) !== cycle.received)
          throw new Violation(
            "N7",
            `Cycle ${cycle.cycleId} received ${cycle.received}, accounts for ${JSON.stringify(cycle.outcomes)}.`,
          );
      await checkDays(jobId, cycles);
    }
  }

  async function checkStores(): Promise<void> {
    for (const agent of agents) {
      const open = await listed<BatchRow>(agent.jobId, "batch:");
      const done = await listed<BatchRow>(agent.jobId, "done:");
      const stored = new Map([...open, ...done].map((own) => [own.batchId, own]));
      const waiting = new Set(open.map((own) => own.batchId));
      for (const said of agent.acknowledged) {
        const batch = stored.get(said.batchId);
        if (!batch && deps.now() - deps.start < 7 * DAY_MS)
          throw new Violation("N1", `${said.batchId} was acknowledged and is nowhere.`);
        if (batch && waiting.has(said.batchId) && !excused.has(said.batchId) && !(await blobs.get(batch.blob)))
          throw new Violation("N1", `${said.batchId} was acknowledged, and its payload is nowhere.`);
      }
    }
    for await (const page of rows.table("objects").scan({ select: ["version"] }))
      for (const { row, values } of page) {
        const version = String(values["version"] ?? "");
        const before = versions.get(row) ?? "";
        if (version < before)
          throw new Violation("N3", `Object ${row} went from version ${before} back to ${version}.`);
        versions.set(row, version);
      }
  }

  function forestOf(guid: string): Forest | undefined {
    return forests.find((own) => own.evidence.knows(guid));
  }

  function checkEffects(): void {
    if (looked === graph.effects.length) return;
    for (; looked < graph.effects.length; looked++) {
      const effect = graph.effects[looked];
      if (!effect) break;
      const judged = deps.strangers.judge(effect);
      if (typeof judged === "object") throw new Violation("N9", `${judged.fault}.`);
      const anchor = effect.after?.anchor ?? effect.before?.anchor;
      const guid = anchor === undefined ? undefined : guidOfAnchor(anchor);
      const forest = guid === undefined ? undefined : forestOf(guid);
      if (!guid || !forest)
        throw new Violation("N4", `${effect.kind} on ${effect.id}, which is nobody's of the directories.`);
      if (effect.since > (excluded.get(guid) ?? Number.POSITIVE_INFINITY))
        throw new Violation("N4", `${effect.kind} by ${effect.by} on ${guid}, which is on the exclusion list.`);
      checkIdentity(effect, guid, forest);
      checkEvidence(effect, guid, forest, judged === "matched");
    }
    const anchors = graph.objects().map((own) => own.anchor);
    const twin = anchors.find((own, index) => anchors.indexOf(own) !== index);
    if (twin !== undefined) throw new Violation("N9", `Two target objects stand for ${twin}.`);
  }

  function checkIdentity(effect: Effect, guid: string, forest: Forest): void {
    const kind = `${forest.number} ${(effect.after ?? effect.before)?.kind}`;
    everSeen.set(kind, (everSeen.get(kind) ?? new Set()).add(guid));
    const known = ids.get(guid);
    if (known !== undefined && known !== effect.id)
      throw new Violation("N9", `${guid} had the target object ${known}, and ${effect.kind} is about ${effect.id}.`);
    ids.set(guid, effect.id);
  }

  function checkEvidence(effect: Effect, guid: string, { evidence, number }: Forest, isTakeover: boolean): void {
    const { kind, before, after } = effect;
    const refuse = (what: string) =>
      new Violation("N4", `${what} (${kind} by ${effect.by}): no domain controller ever said so.`);
    if (kind === "deleteUser" || kind === "deleteGroup") {
      if (!evidence.wasGone(guid)) throw refuse(`${guid} was deleted`);
      book("deletes", guid, number, effect);
    }
    if (before?.properties["accountEnabled"] === true && after?.properties["accountEnabled"] === false) {
      if (!evidence.wasDisabled(guid)) throw refuse(`${guid} was disabled`);
      book("disables", guid, number, effect);
    }
    const cleared = CLEARABLE.filter(
      (name) => hasText(before, name) && !hasText(after, name) && after?.isDeleted === false,
    );
    for (const name of cleared) if (!evidence.wasWithout(guid, name)) throw refuse(`${name} of ${guid} was blanked`);
    if (cleared.length > 0) book("blanks", guid, number, effect);
    const names = [before, after].map((own) => String(own?.properties["userPrincipalName"]).toLowerCase());
    // Who is taken over gets its name, as who is made does.
    if (kind === "updateUser" && names[0] !== names[1] && !isTakeover) book("names", guid, number, effect);
    if (kind === "removeManager" && !evidence.wasWithout(guid, "manager") && before?.manager !== undefined) {
      const manager = guidOfAnchor(graph.objects().find((own) => own.id === before.manager)?.anchor ?? "");
      if (manager === undefined || !evidence.wasGone(manager)) throw refuse(`The manager of ${guid} was removed`);
    }
    for (const member of before?.members ?? []) {
      if (after === undefined || after.isDeleted || after.members.includes(member)) continue;
      if (kind === "removeMember") bookMembership(guid, number, effect);
      const gone = guidOfAnchor(graph.objects().find((own) => own.id === member)?.anchor ?? "");
      if (gone !== undefined && !evidence.wasNoMember(guid, gone))
        throw refuse(`${gone} was taken out of group ${guid}`);
    }
  }

  /** N6 of one group's members: against those that it had as the removals of the last 24 hours began. */
  function bookMembership(guid: string, forest: number, { at, before }: Effect): void {
    const left = approved.get(`memberships ${guid}`) ?? 0;
    if (left > 0) approved.set(`memberships ${guid}`, left - 1);
    if (lifted.has(forest)) return;
    booked.push({ of: left > 0 ? "approved memberships" : "memberships", forest, guid, at });
    const recent = booked.filter((own) => own.guid === guid && at - own.at < DAY_MS);
    const counted = recent.filter((own) => own.of === "memberships").length;
    const had = (before?.members.length ?? 0) + recent.filter((own) => own.of.endsWith("memberships")).length - 1;
    const most = mostOf(had);
    if (counted > most)
      throw new Violation(
        "N6",
        `${counted} members taken out of group ${guid} in 24 hours that nobody approved; ${most} is the bound (of ${had}).`,
      );
  }

  function mostOf(population: number): number {
    return Math.max(deps.guard.floor, shareOf(population));
  }

  function shareOf(population: number): number {
    const { count, percent } = deps.guard;
    return Math.min(count - 1, Math.floor((population * percent) / 100));
  }

  /** N6: what nobody approved stays within the guard's bounds, in every window of 24 hours, by kind of object. */
  function book(ofClass: Guarded, guid: string, forest: number, { at, before }: Effect): void {
    const left = approved.get(`${ofClass} ${guid}`) ?? 0;
    if (left > 0) approved.set(`${ofClass} ${guid}`, left - 1);
    if (left > 0 || lifted.has(forest)) return;
    const kind = before?.kind ?? "user";
    const of = `${ofClass} of ${kind}s`;
    booked.push({ of, forest, guid, at });
    const recent = booked.filter((own) => own.of === of && own.forest === forest && at - own.at < DAY_MS);
    const population = everSeen.get(`${forest} ${kind}`)?.size ?? 0;
    // The floor is of users and groups together, the share of each by themselves.
    const isOf = (own: { of: string }) => own.of.startsWith(`${ofClass} of `);
    const all = booked.filter((own) => isOf(own) && own.forest === forest && at - own.at < DAY_MS).length;
    const most = ofClass !== "names" && all > deps.guard.floor ? shareOf(population) : mostOf(population);
    // A name that steps aside for a moment is one change.
    const sum = ofClass === "names" ? new Set(recent.map((own) => own.guid)).size : recent.length;
    if (sum > most)
      throw new Violation(
        "N6",
        `${sum} ${of} in 24 hours that nobody approved; ${most} is the bound (of ${population}).`,
      );
  }

  async function checkLog(): Promise<void> {
    const entries = await readLog(rows, [deps.start, ...graph.effects.map((own) => own.at), deps.now()]);
    const versions = new Map<string, number>();
    for (const { jobId } of agents)
      versions.set(jobId, (await readRow<JobRow>(jobs, jobId, ROW.job))?.value.schemaVersion ?? 0);
    const { effects } = graph;
    const schemaVersion = (jobId: string) => versions.get(jobId) ?? 0;
    const [fault] = faultsOfLog({ entries, effects, objects: graph.objects(), forests, agents, schemaVersion });
    if (fault !== undefined) throw new Violation("N8", `${fault}.`);
  }

  /** N7, of days: each cycle is in the day on which it was closed, once, and the day is their sum. */
  async function checkDays(jobId: string, cycles: readonly CycleRow[]): Promise<void> {
    const days = await listed<DayRow>(jobId, DAY_PREFIX);
    for (const { day, received, outcomes, cycles: numbers } of days) {
      const own = cycles.filter((cycle) => dayOf(cycle.closedAt) === day);
      const sum = own.reduce((total, cycle) => total + cycle.received, 0);
      const isOnce = new Set(numbers).size === numbers.length && own.every((cycle) => numbers.includes(cycle.readNo));
      if (totalOf(outcomes) !== received || !isOnce || (own.length === numbers.length && sum !== received))
        throw new Violation(
          "N7",
          `Day ${day} of ${jobId} received ${received} in cycles ${numbers.join(", ")}, accounts for ${JSON.stringify(outcomes)}; its cycles received ${sum}.`,
        );
    }
    const lost = cycles.find((cycle) => !days.some((own) => own.cycles.includes(cycle.readNo)));
    if (lost) throw new Violation("N7", `Cycle ${lost.cycleId} is in no day.`);
  }

  /** N7, at rest: whose last attempt failed is among those that are tried again. */
  async function checkEscrows(): Promise<void> {
    const waiting = new Set<string>();
    for await (const page of rows.table("escrows").scan({ select: [] })) for (const { row } of page) waiting.add(row);
    for await (const page of rows.table("objects").scan({ select: ["last"] }))
      for (const { row, values } of page) {
        const last: { readonly outcome?: string; readonly code?: string } = JSON.parse(String(values["last"] ?? "{}"));
        const guid = row.split(":").at(-1) ?? row;
        if (last.outcome === "escrowed" && !waiting.has(guid))
          throw new Violation("N7", `${guid} was escrowed (${last.code}), and nobody tries it again.`);
      }
  }

  return {
    checkAccounts,
    checkStores,
    checkEffects,
    checkLog,
    checkEscrows,
    approve(of, guids, each = 1) {
      for (const guid of guids) approved.set(`${of} ${guid}`, (approved.get(`${of} ${guid}`) ?? 0) + each);
    },
    exclude: (guid) => void excluded.set(guid, excluded.get(guid) ?? deps.now()),
    include: (guid) => void excluded.delete(guid),
    excuseBlob: (batchId) => void excused.add(batchId),
    liftGuard: (forest) => void lifted.add(forest),
    hasAccount: (guid) => ids.has(guid),
  };
}

function hasText(shown: Effect["before"], name: string): boolean {
  return typeof shown?.properties[name] === "string";
}
