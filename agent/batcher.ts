/**
 * From pages of the source to batches on the wire.
 *
 * A batch holds at most 1,000 changes and 4 MiB inflated. A watermark is a promise about a whole page, so it stands only
 * on the batch that ends one; in a full read only on the last batch, because half a full read is no state to go on from.
 * What goes in comes out: the same changes in the same order, none twice, none lost.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { z } from "zod";
import type { ReadOrder } from "../shared/contracts/agent-api.ts";
import {
  BATCH_FORMAT_VERSION,
  BATCH_MAX_BYTES,
  BATCH_MAX_CHANGES,
  type BatchHeader,
  batchIdOf,
  type Change,
  type ChangeBatch,
  type Watermark,
} from "../shared/contracts/change.ts";
import { type SourceDescription, SourceError, type SourcePage } from "../shared/ports/source-directory.ts";

export interface BuiltBatch {
  readonly jobId: string;
  readonly batchId: string;
  readonly readNo: number;
  readonly sequence: number;
  readonly changes: number;
  readonly isLast: boolean;
  /** gzip of the JSON. */
  readonly body: Buffer;
}

export interface BatchLimits {
  readonly changes: number;
  readonly bytes: number;
}

export const BATCH_LIMITS: BatchLimits = { changes: BATCH_MAX_CHANGES, bytes: BATCH_MAX_BYTES };

/** Room for the header, whose longest parts are two watermarks' cookies (a cookie grows with the number of DCs). */
const HEADER_BYTES = 64 * 1024;

type Header = z.infer<typeof BatchHeader>;
type End = NonNullable<ChangeBatch["end"]>;

const compress = promisify(gzip);

/**
 * A change that no batch can hold goes without its largest attributes, and says which: one object ends nobody's read. Throws
 * `SourceError` source-record where its links alone are too large, and whatever `pages` throws.
 */
export async function* makeBatches(
  pages: AsyncIterable<SourcePage>,
  context: { readonly order: ReadOrder; readonly description: SourceDescription },
  limits: BatchLimits = BATCH_LIMITS,
): AsyncGenerator<BuiltBatch> {
  const { order } = context;
  let sequence = order.nextSequence;
  let watermarkBefore = order.watermark?.id ?? null;
  let objects = 0;
  let digest = "";
  let pending: string[] = [];
  let pendingBytes = 0;

  async function flush(watermarkAfter: Watermark | undefined, isLast: boolean): Promise<BuiltBatch> {
    objects += pending.length;
    const end = { batches: sequence - order.nextSequence + 1, objects, digest };
    const header = headerOf(context, { sequence, watermarkBefore, isLast }, watermarkAfter, isLast ? end : undefined);
    const text = `${JSON.stringify(header).slice(0, -1)},"changes":[${pending.join(",")}]}`;
    const body = Buffer.from(text, "utf8");
    const built: BuiltBatch = {
      jobId: order.jobId,
      batchId: header.batchId,
      readNo: order.readNo,
      sequence,
      changes: pending.length,
      isLast,
      body: await compress(body),
    };
    digest = chainDigest(digest, body);
    if (watermarkAfter !== undefined) watermarkBefore = watermarkAfter.id;
    sequence++;
    pending = [];
    pendingBytes = 0;
    return built;
  }

  for await (const page of pages) {
    for (const change of page.changes) {
      const text = textWithin(change, limits.bytes - HEADER_BYTES - 1);
      const bytes = Buffer.byteLength(text) + 1;
      const isFull = pending.length >= limits.changes || pendingBytes + bytes > limits.bytes - HEADER_BYTES;
      if (isFull) yield await flush(undefined, false);
      pending.push(text);
      pendingBytes += bytes;
    }
    if (page.isLast) {
      yield await flush(page.watermarkAfter, true);
      return;
    }
    const endsPage = order.kind === "delta" && page.watermarkAfter !== undefined && pending.length > 0;
    if (endsPage) yield await flush(page.watermarkAfter, false);
  }
  throw new SourceError(
    "source-incomplete",
    `The read ${order.readNo} of job ${order.jobId} ended without its last page.`,
    "Nothing to do: it is read again.",
  );
}

/** d0 = "", dk = base64url(sha256(d(k-1) + base64url(sha256(body_k)))), over inflated bodies. */
export function chainDigest(before: string, body: Uint8Array): string {
  const own = createHash("sha256").update(body).digest("base64url");
  return createHash("sha256").update(`${before}${own}`).digest("base64url");
}

function headerOf(
  context: { readonly order: ReadOrder; readonly description: SourceDescription },
  place: { readonly sequence: number; readonly watermarkBefore: string | null; readonly isLast: boolean },
  watermarkAfter: Watermark | undefined,
  end: End | undefined,
): Header {
  const { order, description } = context;
  return {
    version: BATCH_FORMAT_VERSION,
    batchId: batchIdOf(order.jobId, order.readNo, place.sequence),
    jobId: order.jobId,
    readNo: order.readNo,
    sequence: place.sequence,
    kind: order.kind,
    leaseEpoch: order.leaseEpoch,
    schemaVersion: order.schemaVersion,
    scopeVersion: order.scopeVersion,
    attributeSetHash: order.attributeSetHash,
    domain: description.domain,
    dsa: description.server,
    visibility: description.visibility,
    watermarkBefore: place.watermarkBefore,
    ...(watermarkAfter === undefined ? {} : { watermarkAfter }),
    isLast: place.isLast,
    ...(end === undefined ? {} : { end }),
  };
}

/** The change as JSON, in at most so many bytes. */
function textWithin(whole: Change, most: number): string {
  let change = whole;
  for (;;) {
    const text = JSON.stringify(change);
    const bytes = Buffer.byteLength(text);
    if (bytes <= most) return text;
    const without = change.op === "upsert" ? withoutLargest(change) : undefined;
    if (!without) throw tooLarge(change, bytes, most);
    change = without;
  }
}

/** Undefined: there is no attribute left. */
function withoutLargest(change: Extract<Change, { op: "upsert" }>): Change | undefined {
  const sizes = Object.entries(change.attributes).map(([name, values]) => ({
    name,
    bytes: Buffer.byteLength(JSON.stringify(values)),
  }));
  const [largest] = sizes.sort((left, right) => right.bytes - left.bytes);
  if (!largest) return undefined;
  const { [largest.name]: _, ...attributes } = change.attributes;
  return { ...change, attributes, tooLarge: { ...change.tooLarge, [largest.name]: largest.bytes } };
}

function tooLarge(change: Change, bytes: number, most: number): SourceError {
  return new SourceError(
    "source-record",
    `The object ${change.objectGuid} takes ${bytes} bytes without its attributes; a batch has room for ${most}.`,
    "Tell the people who make Directory Uplink: its links should have come in parts.",
  );
}
