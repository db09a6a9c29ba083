/**
 * Who read what the service maps again by itself: a row's version names the read that its image comes from, and the read's
 * account names agent and domain controller. Nothing about it is kept with the objects; once the account is dropped, by
 * age, nobody knows any more, and the log says so.
 */
import { readNoOf } from "../../domain/change-version.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type CycleRow, jobTable, type ReadRow, type ReadsRow, ROW, readRow } from "../state/job-rows.ts";

export interface ImageSource {
  readonly agentId: string;
  readonly server: string;
}

/** By the number of the read. */
export type KnownSources = ReadonlyMap<number, ImageSource>;

/** Of these versions, those whose reads are known. */
export type ImageSources = (jobId: string, versions: readonly string[]) => Promise<KnownSources>;

export const NO_SOURCES: KnownSources = new Map();

export function createImageSources(deps: { readonly rows: RowStore }): ImageSources {
  const jobs = jobTable(deps.rows);

  async function sourceOf(jobId: string, readNo: number): Promise<ImageSource | undefined> {
    // In the order in which a read goes through them, the last one first: closed, ended, open.
    const closed = (await readRow<CycleRow>(jobs, jobId, ROW.cycle(readNo)))?.value;
    if (closed?.agentId !== undefined) return { agentId: closed.agentId, server: closed.server ?? "" };
    const ended = (await readRow<ReadRow>(jobs, jobId, ROW.read(readNo)))?.value;
    if (ended) return { agentId: ended.agentId, server: ended.server };
    const open = (await readRow<ReadsRow>(jobs, jobId, ROW.reads))?.value;
    return open?.openReadNo === readNo ? { agentId: open.agentId, server: open.server } : undefined;
  }

  return async (jobId, versions) => {
    const found = new Map<number, ImageSource>();
    for (const readNo of new Set(versions.map(readNoOf))) {
      const source = readNo > 0 ? await sourceOf(jobId, readNo) : undefined;
      if (source) found.set(readNo, source);
    }
    return found;
  };
}

/** What the step `import` says of something that no batch brought. `what`: "Mapped again", say; `because`: what had it done. */
export function againFrom(what: string, because: string, version: string, sources: KnownSources): string {
  const readNo = readNoOf(version);
  const source = sources.get(readNo);
  if (readNo === 0) return `${what} (${because}).`;
  return source
    ? `${what} (${because}), as agent ${source.agentId} read it from ${source.server} in read ${readNo}.`
    : `${what} (${because}), as it was in read ${readNo}; whose that was isn't known any more.`;
}
