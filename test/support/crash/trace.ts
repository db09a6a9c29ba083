/** What the service has of one object, for the message of a failed test: its row, and every batch that brought it. */
import { gunzipSync } from "node:zlib";
import { type BatchRow, jobTable, LANES, listRows } from "../../../shared/application/state/job-rows.ts";
import { unpackJson } from "../../../shared/application/state/packing.ts";
import type { ChangeBatch } from "../../../shared/contracts/change.ts";
import type { BlobStore } from "../../../shared/ports/blob-store.ts";
import type { RowStore } from "../../../shared/ports/row-store.ts";

export async function traceOf(
  deps: { readonly rows: RowStore; readonly blobs: BlobStore; readonly jobId: string },
  objectGuid: string,
): Promise<string[]> {
  const { rows, blobs, jobId } = deps;
  const lines: string[] = [];
  for await (const page of rows.table("objects").scan()) {
    for (const { row, values } of page) {
      if (!row.endsWith(`:${objectGuid}`)) continue;
      const { image, link, ...rest } = values;
      const said = link instanceof Uint8Array ? unpackJson(link) : undefined;
      lines.push(`row ${JSON.stringify({ ...rest, link: said, image: image && unpackJson(image as Uint8Array) })}`);
    }
  }
  const jobs = jobTable(rows);
  const open = await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`)));
  for (const { value, row } of [...open.flat(), ...(await listRows<BatchRow>(jobs, jobId, "done:"))]) {
    const payload = await blobs.get(value.blob);
    if (payload === undefined) continue;
    const { changes } = JSON.parse(gunzipSync(payload).toString("utf8")) as ChangeBatch;
    changes.forEach((change, position) => {
      if (change.objectGuid !== objectGuid) return;
      lines.push(`${row} (${value.changes} changes, ${value.chunks} chunks) at ${position}: ${JSON.stringify(change)}`);
    });
  }
  return lines;
}
