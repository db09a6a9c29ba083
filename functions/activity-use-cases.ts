/** The use cases behind activities, by the names that they are registered under. */
import { backupActivities } from "../orchestrations/activities/back-up.activity.ts";
import { chunkActivities } from "../orchestrations/activities/chunk.activity.ts";
import { closeActivities } from "../orchestrations/activities/close.activity.ts";
import { linkActivities } from "../orchestrations/activities/links.activity.ts";
import { migrateActivities } from "../orchestrations/activities/migrate.activity.ts";
import { reconcileActivities } from "../orchestrations/activities/reconcile.activity.ts";
import { runActivities } from "../orchestrations/activities/run.activity.ts";
import { whatIfActivities } from "../orchestrations/activities/what-if.activity.ts";
import { createBackUp } from "../shared/application/backup/back-up.ts";
import { createMigrateRows } from "../shared/application/backup/migrate-rows.ts";
import { createImageSources } from "../shared/application/cycles/image-sources.ts";
import { createExportChunk } from "../shared/application/export/export-chunk.ts";
import { createNameGuard } from "../shared/application/guard/name-guard.ts";
import { createAllObjects } from "../shared/application/lanes/all-objects.ts";
import { createAskFullRead } from "../shared/application/lanes/ask-full-read.ts";
import { createIsLastAttempt } from "../shared/application/lanes/last-attempt.ts";
import { createNextBatch } from "../shared/application/lanes/next-batch.ts";
import { ATTEMPTS_BEFORE_PARKING, createNoteFailure } from "../shared/application/lanes/note-failure.ts";
import { createAccountParked } from "../shared/application/lanes/parked-batch.ts";
import { createPlanChunks } from "../shared/application/lanes/plan-chunks.ts";
import { createSplitWork } from "../shared/application/lanes/split-work.ts";
import { createTellLeftOut } from "../shared/application/mapping/left-out.ts";
import { createMapChunk } from "../shared/application/mapping/map-chunk.ts";
import { createExportLinks } from "../shared/application/members/export-links.ts";
import { createFoldLinks } from "../shared/application/members/fold-links.ts";
import { createLinkStore } from "../shared/application/members/link-store.ts";
import { createPlanLinks } from "../shared/application/members/plan-links.ts";
import type { Parts } from "./parts.ts";

/** Edges that one activity carries out at most, by estimate: 250 writes of 20 members. */
const LINKS_A_CHUNK = 5_000;

/** So many failed attempts a batch's last one has behind it. */
const LAST_ATTEMPT = ATTEMPTS_BEFORE_PARKING - 1;

export function createActivityUseCases(parts: Parts) {
  const {
    rows,
    blobs,
    target,
    clock,
    log,
    targetKey,
    objects,
    scopeNotes,
    escrows,
    removals,
    provisioningLog,
    mappings,
    references,
    links,
    referrers,
    dirty,
    fence,
    exclusions,
    quota,
    ring,
    preparation,
    scopeWork,
    commit,
    goneGroups,
    readEnd,
    runWhatIf,
    reconcile,
    foldSaid,
    askedWork,
    contextOf,
    chunked,
    answering,
  } = parts;
  const askFullRead = createAskFullRead({ rows, clock });
  const isLastAttempt = createIsLastAttempt({ rows, attempts: LAST_ATTEMPT });
  return {
    ...runActivities({
      ...answering,
      nextBatch: createNextBatch({ rows, clock, isPrepared: preparation.isPrepared }),
      prepareTarget: preparation.prepare,
      noteFailure: createNoteFailure({
        rows,
        fence,
        clock,
        log,
        giveUpWhatIf: runWhatIf.giveUp,
        giveUpReconcile: reconcile.abandon,
        giveUpAsked: askedWork.giveUp,
        splitWork: createSplitWork({ rows, blobs, clock, log, escrows, removals, attempts: LAST_ATTEMPT }),
        accountParked: createAccountParked({ blobs, log, objects, provisioningLog, readFacts: parts.readFacts }),
        abandonCycle: commit.abandonCycle,
      }),
    }),
    ...chunkActivities({
      ...answering,
      planChunks: createPlanChunks({
        ...chunked,
        attempts: LAST_ATTEMPT,
        escrows,
        removals,
        scopeWork,
        allObjects: createAllObjects({ rows, blobs, objects, mappings }),
        askedWork,
      }),
      mapChunk: createMapChunk({ ...chunked, isLastAttempt, contextOf }),
      exportChunk: createExportChunk({
        blobs,
        fence,
        clock,
        log,
        escrows,
        removals,
        provisioningLog,
        references,
        isLastAttempt,
        askFullRead,
        links: createLinkStore({ rows, targetKey }),
        tellLeftOut: createTellLeftOut({ rows, provisioningLog }),
        scopeNotes,
        quota,
        names: createNameGuard({ rows, clock, log, removals, countLinked: objects.countLinked }),
        imageSources: createImageSources({ rows }),
        contextOf,
      }),
    }),
    ...linkActivities({
      ...answering,
      foldLinks: createFoldLinks({ rows, blobs, fence, log, foldSaid, attempts: LAST_ATTEMPT, askFullRead }),
      planLinks: createPlanLinks({ ...chunked, objects, links, referrers, dirty, ring, chunkEdges: LINKS_A_CHUNK }),
      exportLinks: createExportLinks({
        ...chunked,
        objects,
        links,
        references,
        dirty,
        removals,
        excluded: exclusions.load,
        target,
        provisioningLog,
        goneGroups,
        quota,
        flowsOf: async (job) => (await mappings(job)).flowsOf,
      }),
    }),
    ...closeActivities({ ...answering, commit, readEnd }),
    ...whatIfActivities({ ...answering, runWhatIf }),
    ...reconcileActivities({ ...answering, reconcile }),
    ...backupActivities({
      backUp: createBackUp({ rows, blobs, clock, log, targetKey, keptDays: parts.settings.backupDays ?? 14 }),
    }),
    ...migrateActivities({ ...answering, migrateRows: createMigrateRows({ rows, clock, log, targetKey }) }),
  };
}
