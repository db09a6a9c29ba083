/**
 * What became of a chunk's objects, told where it has to stand: provisioning log, escrows, removals, claims given up.
 * All of it is keyed by the batch, so that a repetition writes the same.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { noLongerDecided, stillApproved } from "../cycles/decided-removals.ts";
import { type ImageSources, NO_SOURCES } from "../cycles/image-sources.ts";
import { type ChunkHeader, originOf, waits } from "../lanes/chunk-files.ts";
import { isTold, logEntryOf, type Took } from "../log/log-entries.ts";
import { claimsWithout, heldClaims } from "../matching/object-claims.ts";
import { type ClaimIndex, type ClaimRequest, ownerOf } from "../state/claim-index.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import type { Removals, StagedRow } from "../state/removal-rows.ts";
import type { ScopeNotes } from "../state/scope-notes.ts";
import type { ExportResult } from "./export-objects.ts";

type Settled = Extract<ExportResult, { kind: "settled" }>;

export async function recordResults(
  deps: {
    readonly clock: Clock;
    readonly log: Log;
    readonly escrows: Escrows;
    readonly removals: Removals;
    readonly provisioningLog: ProvisioningLog;
    readonly scopeNotes: ScopeNotes;
    readonly imageSources: ImageSources;
  },
  header: ChunkHeader,
  claims: ClaimIndex,
  results: readonly ExportResult[],
  took: Took,
): Promise<void> {
  const settled = results.filter((result) => result.kind === "settled");
  const failures = settled.flatMap((result) =>
    result.outcome === "escrowed" && result.failure
      ? [{ objectGuid: result.planned.objectGuid, origin: originOf(header, result.planned), ...result.failure }]
      : [],
  );
  // Work takes up escrows whatever their rows say by now.
  const mended = settled.filter(
    (result) =>
      !result.planned.isSuperseded &&
      result.outcome !== "escrowed" &&
      (header.readNo === 0 || result.planned.record.last?.outcome === "escrowed"),
  );
  const seekers = settled.filter((result) => result.planned.seeksFacts).map((result) => result.planned.objectGuid);
  const again = settled.filter((result) => originOf(header, result.planned).agentId === "" && isTold(result));
  const versions = again.map((result) => result.planned.record.version);
  const sources = versions.length === 0 ? NO_SOURCES : await deps.imageSources(header.jobId, versions);
  const entries = (repeated: boolean) =>
    settled
      .filter((result) => (result.isRepeated ?? false) === repeated)
      .flatMap((own) => logEntryOf(header, own, took, sources) ?? []);
  await Promise.all([
    deps.provisioningLog.write(entries(false)),
    deps.provisioningLog.writeMissing(entries(true)),
    deps.scopeNotes.put(header.jobId, "live", seekers),
    deps.escrows.put(header.jobId, header.batchId, failures, deps.clock.now()),
    deps.escrows.clear(
      header.jobId,
      mended.map((result) => result.planned.objectGuid),
    ),
    claims.release(settled.flatMap((result) => givenUp(header, result))),
    // At the end of a cycle the guard's verdict has fallen: what still waits was staged by it.
    header.isEnd
      ? undefined
      : deps.removals.add(
          header,
          settled.filter((result) => waits(result.planned)),
        ),
    deps.removals.stage(header.jobId, stagedNames(header, settled)),
    deps.removals.keepApproved(header.jobId, stillApproved(header, settled), header.approvedBy ?? ""),
    deps.removals.dropDecided(header.jobId, noLongerDecided(header, settled)),
    ...settled
      .filter(({ planned: { names }, outcome }) =>
        names?.kind === "approved" ? outcome !== "escrowed" : names?.kind === "settled",
      )
      .map((result) => deps.removals.unstage(header.jobId, "names", result.planned.objectGuid)),
  ]);
  if (failures.length > 0)
    deps.log.warn("objects-escrowed", {
      jobId: header.jobId,
      batchId: header.batchId,
      count: failures.length,
      first: failures[0]?.code,
    });
}

function stagedNames({ cycleId, at }: ChunkHeader, settled: readonly Settled[]): StagedRow[] {
  return settled.flatMap(({ planned: { objectGuid, names }, outcome }) => {
    if (names?.kind === "approved") return outcome === "escrowed" ? [names.row] : [];
    if (names?.kind !== "staged" || names.isKnown) return [];
    return [{ objectGuid, class: "names", cycleId, reason: names.reason, stagedAt: at, names: names.values }];
  });
}

/** What the object held before and holds no more: also at a repetition, for the first attempt may not have come to it. */
function givenUp(header: ChunkHeader, result: Settled): ClaimRequest[] {
  const { planned, record } = result;
  const owner = ownerOf(header.configurationId, planned.objectGuid);
  const before = [...heldClaims(planned.record), ...planned.abandoned];
  return claimsWithout(before, heldClaims(record)).map((claim) => ({ owner, claim }));
}
