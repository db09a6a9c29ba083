/**
 * Whether another schema needs another full read. It doesn't where all that it asks of the directory was asked for already:
 * the attributes and classes of every version by which something was read since the last full read that ended. Units and
 * groups that filters name have to be the same ones: what is known of objects' places and groups was found out for those.
 *
 * Then images are mapped by it at once, and so is what still comes of reads for the versions that it is covered by. Pure.
 */
import type { JobMapping } from "../mapping/job-mapping.ts";
import { type CoveredSchema, type JobRow, mappedVersionOf } from "../state/job-rows.ts";

/** What was read for one holds all that another asks for. */
export function covers(
  held: Pick<JobMapping, "needs" | "scope">,
  wanted: Pick<JobMapping, "needs" | "scope">,
): boolean {
  if (held.scope.of !== wanted.scope.of) return false;
  if (held.needs.attributeSetHash === wanted.needs.attributeSetHash) return true;
  // Another part for agents: who was never sent isn't known.
  if (wanted.scope.of !== "" || held.needs.scope || wanted.needs.scope) return false;
  const has = (all: readonly string[], some: readonly string[]) => some.every((name) => all.includes(name));
  return (
    has(held.needs.attributes, wanted.needs.attributes) && has(held.needs.objectClasses, wanted.needs.objectClasses)
  );
}

/** The version by which a batch or the end of a read is mapped that was read for `version`. */
export function effectiveVersion(job: JobRow, version: number): number {
  const mapped = mappedVersionOf(job);
  return isCovering(job.coveredSchema, version, mapped) ? mapped : version;
}

/** Whether the last full read, made for `version`, brought what the job's schema asks for. */
export function isReadFor(job: JobRow, version: number): boolean {
  return version === job.schemaVersion || effectiveVersion(job, version) === job.schemaVersion;
}

/** `read` and `needed`: digests of what the last full read asked for, and of what the schema asks for now. */
export function isAskedFor({ coveredSchema }: JobRow, read: string | null, needed: string): boolean {
  if (read === needed) return true;
  return coveredSchema?.hash === needed && read !== null && coveredSchema.hashes.includes(read);
}

function isCovering(covered: CoveredSchema | undefined, version: number, mapped: number): boolean {
  return covered !== undefined && version >= covered.since && version <= mapped;
}
