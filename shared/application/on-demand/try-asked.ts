/**
 * A dry run: what was read just now, taken through the real pipeline with nobody at its end. Nothing is written: rows, index and
 * target are what they are, and over them lies what would have been.
 *
 * The guard isn't asked: who would lose something is mapped once more with that allowed, and told what it waits for.
 */
import { REMOVAL_CLASSES } from "../../domain/plan.ts";
import type { Clock } from "../../ports/clock.ts";
import { withheld } from "../exclusions/withheld.ts";
import { bindReferences } from "../export/bind-references.ts";
import type { JobContext } from "../export/export-chunk.ts";
import type { References } from "../export/references.ts";
import type { ChunkItem, PlannedObject } from "../lanes/chunk-files.ts";
import type { AskedWork } from "../lanes/plan-chunks.ts";
import { mapObjects } from "../mapping/map-objects.ts";
import type { JobRow } from "../state/job-rows.ts";
import { overlayClaims, overlayObjects, readOnly } from "../what-if/what-if-overlay.ts";
import { changesOf } from "./agent-commands.ts";
import { askedHeader, itemsOf, valuesOnly } from "./asked-work.ts";
import { type Settled, type ToldObject, toldOf } from "./told-object.ts";
import type { TriedMembers, TryMembers } from "./try-members.ts";

/** As `AskedResult` has it. Throws `TargetUnavailable`. */
export type TryAsked = (
  job: JobRow,
  asked: AskedWork,
) => Promise<{ readonly told: readonly ToldObject[]; readonly members?: TriedMembers }>;

export function createTryAsked(deps: {
  readonly clock: Clock;
  readonly references: Pick<References, "resolve">;
  readonly tryMembers: TryMembers;
  readonly contextOf: (jobId: string, schemaVersion?: number) => Promise<JobContext>;
}): TryAsked {
  return async (job, asked) => {
    const real = await deps.contextOf(job.jobId, job.schemaVersion);
    const header = askedHeader(job, `${job.jobId}-dry-run`, deps.clock.now(), asked);
    const changes = changesOf(asked.answer).map(valuesOnly);
    const items = itemsOf(changes, asked);
    const stored = await real.objects.getMany(job.configurationId, [...new Set(items.map((own) => own.objectGuid))]);
    const planned = async (own: readonly ChunkItem[]): Promise<readonly PlannedObject[]> => {
      const mapDeps = {
        mapping: real.mapping,
        objects: overlayObjects(real.objects),
        claims: overlayClaims(real.claims).claims,
        target: readOnly(real.target),
        clock: deps.clock,
        vanished: async () => undefined,
        expiries: { add: async () => undefined },
        excluded: real.excluded,
        // What would be sent is the question.
        holdsExports: false,
      };
      const mapped = await mapObjects(mapDeps, header, own, stored);
      return bindReferences(deps.references, header, withheld(mapped, real.excluded));
    };
    const first = await planned(items);
    const losing = new Set(first.filter((own) => own.waiting.length > 0).map((own) => own.objectGuid));
    const allowed = items
      .filter((item) => losing.has(item.objectGuid))
      .map((item) => ({ ...item, allow: REMOVAL_CLASSES }));
    const second = allowed.length > 0 ? await planned(allowed) : [];
    const context = { header, mapping: real.mapping, took: { mappingMs: 0, exportMs: 0 }, now: deps.clock.now() };
    const all = [...first, ...second];
    const members = await deps.tryMembers({
      ...{ configurationId: job.configurationId, changes, version: asked.version, planned: all },
      ...{ excluded: real.excluded, now: deps.clock.now() },
    });
    return { told: all.map((own) => toldOf(context, asIfSettled(own))), ...(members ? { members } : {}) };
  };
}

function asIfSettled(planned: PlannedObject): Settled {
  const { outcome, record, failure } = planned;
  return { kind: "settled", planned, outcome, record, warnings: [], ...(failure ? { failure } : {}) };
}
