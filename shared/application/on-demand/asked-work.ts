/**
 * Objects that an admin asked for, as work of the live lane: what the agent read just now is folded, mapped and exported like a
 * change of a batch, by the same steps, under the lane's epoch.
 *
 * Its version stands above all that was accepted when the admin asked, and below all that came after: a batch that was read later
 * wins, and what a delta brings is never lost to it. What the object was read without isn't blanked: only a delta that says so,
 * or a complete full read, empties anything. It has an account of its own, of just these objects; no read counts them.
 */
import type { ReadAnswer } from "../../contracts/agent-commands.ts";
import type { Change } from "../../contracts/change.ts";
import { changeVersion } from "../../domain/change-version.ts";
import { withFoldedLinks } from "../../domain/image.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetAnswer } from "../../ports/target-directory.ts";
import { type ChunkHeader, type ChunkItem, FILES, readFile, readNeeded } from "../lanes/chunk-files.ts";
import type { AskedWork, WorkFile } from "../lanes/plan-chunks.ts";
import type { FoldSaid } from "../members/fold-links.ts";
import type { LinkAccount, LinkAccounts } from "../members/link-account.ts";
import { refsIdOf } from "../members/link-files.ts";
import { COMMAND_FILES, type Commands } from "../state/command-rows.ts";
import {
  type JobRow,
  jobTable,
  type LinkCounts,
  listRows,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
  type WorkRow,
} from "../state/job-rows.ts";
import { gzipJson } from "../state/packing.ts";
import { changesOf } from "./agent-commands.ts";
import type { ToldObject } from "./told-object.ts";
import type { TriedMembers } from "./try-members.ts";

export interface AskedWorks {
  /** What its chunk is made of. Nothing, once the job's schema or scope is another than the object was read for. */
  plan(
    job: JobRow,
    work: WorkRow,
    asked: AskedWork,
  ): Promise<{ readonly header: ChunkHeader; readonly items: readonly ChunkItem[] }>;
  /** It is carried out, and about to be removed: tells what came of it. */
  finish(work: WorkRow): Promise<void>;
  /** It failed again and again. */
  giveUp(jobId: string, workId: string, because: string): Promise<void>;
}

/** What came of it, for whoever waits. */
export interface AskedResult {
  readonly told: readonly ToldObject[];
  /** The directory server that it was read from. */
  readonly server: string;
  /** Memberships that were sent with it, and left for now. */
  readonly links?: LinkCounts;
  /** What the target said to the last write of members. */
  readonly linksAnswer?: TargetAnswer;
  /** Of a dry run: whom of the chosen members it would bring into their group. */
  readonly members?: TriedMembers;
}

export function createAskedWorks(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly commands: Commands;
  readonly foldSaid: FoldSaid;
  readonly linkAccounts: Pick<LinkAccounts, "of">;
}): AskedWorks {
  const jobs = jobTable(deps.rows);

  return {
    async plan(job, work, asked) {
      const { answer, version } = asked;
      const isSame = job.schemaVersion === asked.schemaVersion && job.scopeVersion === asked.scopeVersion;
      const header: ChunkHeader = {
        ...askedHeader(job, work.workId, work.createdAt, asked),
        ...(await overtaken(job.jobId)),
      };
      const changes = isSame ? changesOf(answer).map(valuesOnly) : [];
      const { readNo, sequence, position } = version;
      if (isSame)
        await deps.foldSaid(job, header, { kind: "object", readNo, sequence, changes, firstPosition: position });
      return { header, items: itemsOf(changes, asked) };
    },

    async finish({ jobId, workId, blob }) {
      const { asked } = await readNeeded<WorkFile>(deps.blobs, blob);
      if (!asked) return;
      const { entries } = await deps.commands.read(jobId);
      const told: ToldObject[] = [];
      for (const id of [workId, `${workId}-end`, refsIdOf(workId)]) {
        const paths: string[] = [];
        for await (const path of deps.blobs.list(FILES.toldIn(id))) paths.push(path);
        for (const path of paths.sort()) told.push(...((await readFile<ToldObject[]>(deps.blobs, path)) ?? []));
      }
      const links = await deps.linkAccounts.of(workId);
      const server = asked.answer.dsa.dnsName;
      const result: AskedResult = { told: subjectFirst(told, asked.answer), server, ...linksIn(links) };
      const { commandId } = asked;
      const file = COMMAND_FILES.result(jobId, commandId);
      let isAwaited = entries.some((own) => own.id === commandId);
      if (isAwaited) {
        await deps.blobs.put(file, gzipJson(result));
        isAwaited = (await deps.commands.update(jobId, commandId, (own) => ({ ...own, state: "done" }))) !== undefined;
      }
      // Nobody waits for it any more, and nobody would drop it.
      if (!isAwaited) await deps.blobs.delete(file);
      deps.log.info("provisioned-on-demand", {
        jobId,
        commandId,
        received: asked.answer.members.length + 1,
        ...countOf(told),
      });
    },

    async giveUp(jobId, workId, because) {
      const { entries } = await deps.commands.read(jobId);
      const entry = entries.find((own) => own.workId === workId);
      if (!entry) return;
      await deps.commands.update(jobId, entry.id, (own) => ({
        ...own,
        state: "failed",
        failure: {
          status: 409,
          code: "provisioning-failed",
          // Some of its chunks may have been carried out.
          isUnderWay: true,
          message: `The work on what was read failed again and again: ${because}`,
          remedy: "Look at the events 'step-failed' in the service's log; the next read brings the object.",
        },
      }));
    },
  };

  /** Full reads that still have something to tell, which what was read now overtakes. */
  async function overtaken(jobId: string): Promise<Pick<ChunkHeader, "overtakes">> {
    const ended = (await listRows<ReadRow>(jobs, jobId, "read:")).map((read) => read.value);
    const reads = (await readRow<ReadsRow>(jobs, jobId, ROW.reads))?.value;
    const isOpen = reads !== undefined && reads.openReadNo !== 0 && reads.kind === "full" && reads.nextSequence > 1;
    const full = ended.filter((read) => read.kind === "full").map((read) => read.readNo);
    const overtakes = [...full, ...(isOpen ? [reads.openReadNo] : [])];
    return overtakes.length > 0 ? { overtakes } : {};
  }
}

function linksIn(links: LinkAccount | undefined): Pick<AskedResult, "links" | "linksAnswer"> {
  if (!links) return {};
  return { links: links.counts, ...(links.answer ? { linksAnswer: links.answer } : {}) };
}

/** `at`: milliseconds since 1970. */
export function askedHeader(
  job: JobRow,
  workId: string,
  at: number,
  { by, commandId, agentId, answer }: Pick<AskedWork, "by" | "commandId" | "agentId" | "answer">,
): ChunkHeader {
  return {
    batchId: workId,
    jobId: job.jobId,
    configurationId: job.configurationId,
    cycleId: workId,
    readNo: 0,
    at,
    schemaVersion: job.schemaVersion,
    seesAll: answer.visibility === "complete" || job.settings.trustVisibility !== null,
    isEnd: false,
    isFirstLoad: false,
    // Whatever is older and comes later has to meet them.
    mustWriteVersions: true,
    asked: { by, commandId },
    agentId,
    server: answer.dsa.dnsName,
  };
}

/**
 * One a change: its versions follow each other. Who has no link is looked for in the target: what is told of the match is true then,
 * whoever came to the target since the index was filled, and of a dry run no less than of a create that would meet somebody.
 */
export function itemsOf(
  changes: readonly Change[],
  { version, commandId, agentId, answer }: Pick<AskedWork, "version" | "commandId" | "agentId" | "answer">,
): ChunkItem[] {
  const { readNo, sequence, position } = version;
  const server = answer.dsa.dnsName;
  return changes.map((change, index) => ({
    objectGuid: change.objectGuid,
    index,
    change: withFoldedLinks(change),
    version: changeVersion(readNo, sequence, position + index),
    origin: { batchId: commandId, index, agentId, server },
    seeksMatch: true,
  }));
}

/** What has a value counts as changed, and nothing else is said: of what is missing nobody knows why. */
export function valuesOnly(change: Change): Change {
  if (change.op !== "upsert") return change;
  const links = (change.links ?? []).filter((link) => link.add.length > 0 || link.attribute.toLowerCase() === "member");
  const { links: _, ...rest } = change;
  const named = links.filter((link) => !["member", "memberof"].includes(link.attribute.toLowerCase()));
  const changed = [
    ...Object.keys(change.attributes).filter((name) => (change.attributes[name]?.length ?? 0) > 0),
    ...named.map((link) => link.attribute),
  ];
  return { ...rest, changed, ...(links.length > 0 ? { links } : {}) };
}

/** What is told of the object that was asked for comes before what is told of its members. */
export function subjectFirst(told: readonly ToldObject[], { object }: ReadAnswer): readonly ToldObject[] {
  const guid = object.kind === "found" ? object.change.objectGuid : "";
  return [...told.filter((own) => own.objectGuid === guid), ...told.filter((own) => own.objectGuid !== guid)];
}

function countOf(told: readonly ToldObject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { entry } of told) counts[entry.outcome] = (counts[entry.outcome] ?? 0) + 1;
  return counts;
}
