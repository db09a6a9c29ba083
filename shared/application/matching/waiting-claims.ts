/**
 * Objects that wait for a value which another one holds: tried again as soon as something moved.
 *
 * A pass maps those anew who may have their value by now (`freed-claims.ts`); the others wait until their escrow is due. As long as
 * a pass exports something another follows, so a chain of names resolves from its end, one link a pass. What is left are circles (people who swap names) and those who wait for
 * somebody who isn't going to give the value up. Of each circle one steps aside: its value is parked, which costs one
 * write more, and the next pass finds a chain. Nobody is parked for a holder that doesn't wait itself.
 */
import type { Claim } from "../../domain/object-record.ts";
import { type Waiting, whoStepsAside } from "../../domain/waiting-circles.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { addWork } from "../lanes/add-work.ts";
import { FILES, type OutcomeFile, readFile } from "../lanes/chunk-files.ts";
import type { WorkFile } from "../lanes/plan-chunks.ts";
import { ownerOf } from "../state/claim-index.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import { type CycleRow, heldBecause, type JobRow, jobTable, ROW, readRow, type WorkRow } from "../state/job-rows.ts";
import { whoMayGoOn } from "./freed-claims.ts";
import { claimsWithout, exportedClaims, identityClaims, propertyOf } from "./object-claims.ts";

const WAITING_CODES: readonly string[] = ["AttributeValueMustBeUnique", "DuplicateSourceEntries"];

export interface WaitingClaims {
  /** Something was exported, or somebody began to wait: a first pass. */
  afterCycle(jobId: string, cycle: CycleRow): Promise<void>;
  /** After a pass (or a retry of escrows): the next one, or the opening of circles. `work` is about to be removed. */
  afterWork(job: JobRow, work: WorkRow): Promise<void>;
}

export function createWaitingClaims(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly escrows: Escrows;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): WaitingClaims {
  const jobs = jobTable(deps.rows);

  async function waitingOf(jobId: string): Promise<string[]> {
    const escrows = await deps.escrows.list(jobId);
    return escrows.filter((escrow) => WAITING_CODES.includes(escrow.code)).map((escrow) => escrow.objectGuid);
  }

  async function pass(jobId: string, file: WorkFile, workId: string): Promise<void> {
    await addWork(deps, jobId, "reevaluate", file, workId);
    await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
  }

  /** Whether a piece of work wrote something that may have freed a value. */
  async function movedSomething(workId: string): Promise<boolean> {
    for (const folder of [FILES.folder(workId), FILES.folder(`${workId}-end`)]) {
      for await (const path of deps.blobs.list(folder)) {
        if (!/outcome-\d+\.json\.gz$/.test(path)) continue;
        const file = await readFile<OutcomeFile>(deps.blobs, path);
        if (file?.entries.some((entry) => entry.action !== undefined || entry.hasStepped)) return true;
      }
    }
    return false;
  }

  async function freedOf({ jobId, configurationId }: JobRow, waiting: readonly string[]): Promise<string[]> {
    return whoMayGoOn(await deps.contextOf(jobId), configurationId, waiting);
  }

  async function openCircles(job: JobRow, waiting: readonly string[], workId: string): Promise<void> {
    const parks = await circlesOf(job, waiting);
    const parked = Object.keys(parks ?? {});
    if (!parks || parked.length === 0) return;
    deps.log.info("claims-parked", { jobId: job.jobId, objects: parked.length });
    await pass(job.jobId, { objectGuids: parked, parks }, workId);
  }

  /** What has to step aside, by object. */
  async function circlesOf(job: JobRow, guids: readonly string[]): Promise<WorkFile["parks"]> {
    const { mapping, objects, claims } = await deps.contextOf(job.jobId);
    const stored = await objects.getMany(job.configurationId, guids);
    const wants = new Map<string, readonly Claim[]>();
    const gives = new Map<string, readonly Claim[]>();
    for (const [guid, { record }] of stored) {
      const evaluation = mapping.evaluate(record, { creating: false });
      if (evaluation.kind !== "present") continue;
      const wanted = identityClaims(evaluation.identity);
      const exported = exportedClaims(record.link);
      wants.set(guid, claimsWithout(wanted, exported));
      gives.set(guid, claimsWithout(exported, wanted));
    }
    const byOwner = new Map([...wants.keys()].map((guid) => [ownerOf(job.configurationId, guid), guid]));
    const parks: Record<string, readonly string[]> = {};
    const waiting: Waiting[] = [];
    for (const [guid, wanted] of wants) {
      const holders: string[] = [];
      for (const claim of wanted) {
        const held = await claims.holder(claim);
        const holder = held?.kind === "taken" ? byOwner.get(held.owner) : undefined;
        const isGivenUp = (gives.get(holder ?? "") ?? []).some((given) => sameClaim(given, claim));
        if (holder !== undefined && holder !== guid && isGivenUp) holders.push(holder);
      }
      waiting.push({ id: guid, holders });
      parks[guid] = [...new Set((gives.get(guid) ?? []).filter(isParkable).map(propertyOf))];
    }
    const aside = whoStepsAside(waiting).filter((guid) => (parks[guid] ?? []).length > 0);
    return Object.fromEntries(aside.map((guid) => [guid, parks[guid] ?? []]));
  }

  return {
    async afterCycle(jobId, cycle) {
      const moved = cycle.outcomes.exported + cycle.absent.exported > 0;
      const began = WAITING_CODES.some((code) => (cycle.detail.escrowedBy[code] ?? 0) > 0);
      if (!moved && !began) return;
      const waiting = await waitingOf(jobId);
      const job = waiting.length > 0 ? (await readRow<JobRow>(jobs, jobId, ROW.job))?.value : undefined;
      if (!job) return;
      const workId = `${cycle.cycleId}-waiting`;
      const objectGuids = await freedOf(job, waiting);
      if (objectGuids.length > 0) await pass(jobId, { objectGuids }, workId);
      // A circle is closed by somebody who begins to wait.
      else if (began && !heldBecause(job)) await openCircles(job, waiting, workId);
    },
    async afterWork(job, work) {
      // Whoever would have to give a value up isn't let.
      if (heldBecause(job)) return;
      const waiting = await waitingOf(job.jobId);
      if (waiting.length === 0) return;
      const file = await readFile<WorkFile>(deps.blobs, work.blob);
      const objectGuids = (await movedSomething(work.workId)) ? await freedOf(job, waiting) : [];
      if (objectGuids.length > 0) {
        await pass(job.jobId, { objectGuids }, nextId(work.workId));
        return;
      }
      // Whoever was to step aside didn't (the guard, or the target): tried again by the clock, not at once for ever.
      if (!file?.parks) await openCircles(job, waiting, nextId(work.workId));
    },
  };
}

function sameClaim(left: Claim, right: Claim): boolean {
  return left.kind === right.kind && left.value === right.value;
}

/** The anchor is fixed for life, and a group's unique name is given once. */
function isParkable(claim: Claim): boolean {
  return claim.kind === "userPrincipalName" || claim.kind === "mail";
}

/** The same for a repetition of the same step. */
function nextId(workId: string): string {
  const numbered = /^(.*)-pass(\d+)$/.exec(workId);
  return numbered ? `${numbered[1]}-pass${Number(numbered[2]) + 1}` : `${workId}-pass2`;
}
