/** The agent of a recorded release as its requests show it: what it sent last, sent again under a new order. */
import type { RecordedRequest, Release } from "../../../local/releases/release-files.ts";
import { HeartbeatReply, type ReadOrder } from "../../../shared/contracts/agent-api.ts";
import { batchIdOf, type Change, ChangeBatch } from "../../../shared/contracts/change.ts";
import type { ReleaseCloud, ReleaseJob } from "./release-cloud.ts";

export function requestsOf(
  release: Release,
  job: ReleaseJob,
  kind: "enrol" | "heartbeat" | "batches",
): RecordedRequest[] {
  return release.requests.filter(({ agent, path }) => agent === job.agent && path.endsWith(`/${kind}`));
}

/** The last batch, which is a whole read: the samples are small. */
function lastBatch(release: Release, job: ReleaseJob): RecordedRequest {
  const last = requestsOf(release, job, "batches").at(-1);
  if (last?.body["isLast"] !== true || last.body["sequence"] !== 1)
    throw new Error(`The last read of ${job.agent} isn't one batch.`);
  return last;
}

/** What the directory held at the end of the recording. */
export function lastChanges(release: Release, job: ReleaseJob): readonly Change[] {
  return ChangeBatch.parse(lastBatch(release, job).body).changes;
}

/** Asks for an order as the release's agent did. */
export async function orderFor(cloud: ReleaseCloud, release: Release, job: ReleaseJob): Promise<ReadOrder> {
  const wish = requestsOf(release, job, "heartbeat").find(({ reply }) => HeartbeatReply.safeParse(reply).data?.order);
  const { order } = HeartbeatReply.parse(await cloud.ask(job, "heartbeat", { ...wish?.body, want: "full" }));
  if (!order) throw new Error(`${job.agent} got no order.`);
  return order;
}

/** The last batch in the release's own words, with other changes and as the order wants it; then everything runs. */
export async function sendFullRead(
  cloud: ReleaseCloud,
  release: Release,
  job: ReleaseJob,
  changes: readonly unknown[],
): Promise<void> {
  const order = await orderFor(cloud, release, job);
  const { jobId, readNo, leaseEpoch, schemaVersion, scopeVersion, attributeSetHash, watermark } = order;
  const { body } = lastBatch(release, job);
  await cloud.ask(job, "batch", {
    ...body,
    ...{ readNo, leaseEpoch, schemaVersion, scopeVersion, attributeSetHash, changes },
    batchId: batchIdOf(jobId, readNo, 1),
    watermarkBefore: watermark?.id ?? null,
    end: { batches: 1, objects: changes.length, digest: "" },
  });
  await cloud.run();
}
