/**
 * A batch as it comes in: inflated, parsed, checked against the contract, and named as it must be. Where its read stands, and
 * whether it may go in there, is for `accept-batch.ts`.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { BATCH_MAX_BYTES, batchIdOf, type ChangeBatch } from "../../contracts/change.ts";
import { checkedBatch } from "../../contracts/change-check.ts";
import { inflateBounded, parseJson } from "../admin/parse-request.ts";
import { fail, ok, type Result } from "../failure.ts";

export interface IncomingBatch {
  readonly jobId: string;
  /** As sent; gzip when `isGzip`. */
  readonly body: Uint8Array;
  readonly isGzip: boolean;
  /** A `traceparent`, where the sender gave one. */
  readonly trace?: string | undefined;
}

/**
 * What has to be known of a batch once it is checked. Its changes aren't: while storage answers, thousands of values would be
 * in the collector's way.
 */
export type BatchHead = Omit<ChangeBatch, "changes"> & { readonly objects: number; readonly upserts: number };

interface ReadBatch {
  readonly batch: BatchHead;
  readonly bodyDigest: string;
  /** Where its payload lies: no other content lies there. */
  readonly blob: string;
  /** What is stored of it: gzip. */
  readonly content: () => Uint8Array;
}

/** Failures: 400 no gzip or no JSON, 413 too large, 422 with the path of every fault. */
export function readBatch({ jobId, body, isGzip }: IncomingBatch): Result<ReadBatch> {
  const inflated = isGzip ? inflateBounded(body, BATCH_MAX_BYTES) : bounded(body);
  if (!inflated.ok) return inflated;
  const parsed = parseJson(inflated.value, checkedBatch, "batch");
  if (!parsed.ok) return parsed;
  const { changes, ...head } = parsed.value;
  const own = batchIdOf(jobId, head.readNo, head.sequence);
  if (head.jobId !== jobId || head.batchId !== own) {
    return fail({
      status: 422,
      code: "invalid-body",
      message: `The batch is refused at 'batchId': it must be ${own}.`,
      remedy: "Name the batch by job, read and sequence.",
      details: [{ target: "batchId", message: `must be ${own}` }],
    });
  }
  const upserts = changes.filter((change) => change.op === "upsert").length;
  const bodyDigest = createHash("sha256").update(inflated.value).digest("base64url");
  const content = isGzip ? () => body : contentOf(inflated.value);
  const name = bodyDigest.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const blob = `batches/${jobId}/${head.readNo}/${head.sequence}-${name}.json.gz`;
  return ok({ batch: { ...head, objects: changes.length, upserts }, bodyDigest, blob, content });
}

/** Made only where it is asked for. */
function contentOf(plain: Uint8Array): () => Uint8Array {
  return () => gzipSync(plain, { level: 1 });
}

function bounded(body: Uint8Array): Result<Uint8Array> {
  if (body.length <= BATCH_MAX_BYTES) return ok(body);
  return fail({
    status: 413,
    code: "payload-too-large",
    message: `The body has more than ${BATCH_MAX_BYTES} bytes.`,
    remedy: "Send fewer changes in a batch.",
  });
}
