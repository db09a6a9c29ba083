/**
 * What of an image is too large to be kept beside the rest of its object, or was too large for the agent to send. What was known of such an attribute before stays in
 * the image, so that nothing takes it for empty; the object itself waits until the attribute is told again and fits.
 */
import type { SourceChange } from "./image.ts";
import type { ObjectRecord } from "./object-record.ts";

/** What an image may weigh as it is kept; the rest of a row of 1 MiB is for what was exported, facts and marks. */
export const IMAGE_MAX_BYTES = 896 * 1024;

/** `after`: `before` with the change. `weigh`: the bytes of an image as it is kept. */
export function withinLimit(
  before: ObjectRecord | undefined,
  after: ObjectRecord,
  change: SourceChange,
  context: {
    readonly isApplied: boolean;
    readonly seesAll: boolean;
    readonly weigh: (image: ObjectRecord["image"]) => number;
  },
): ObjectRecord {
  const { oversize: known = {}, ...rest } = after;
  const kept = Object.entries(known).filter(([name]) => !context.isApplied || !isTold(name, change, context.seesAll));
  const unsent = context.isApplied && change.op === "upsert" ? change.tooLarge : {};
  const oversize: Record<string, number> = { ...Object.fromEntries(kept), ...unsent };
  const image = { ...rest.image };
  if (before) for (const name of Object.keys(oversize)) putBack(image, before.image, name);
  const replaced = new Set<string>();
  for (;;) {
    const sizes = Object.entries(image).map(([name, values]) => ({ name, size: JSON.stringify(values).length }));
    // A character is three bytes at the most: few images have to be packed to know.
    if (sizes.reduce((sum, { size }) => sum + size, 0) < IMAGE_MAX_BYTES / 3) break;
    if (context.weigh(image) <= IMAGE_MAX_BYTES) break;
    const [{ name, size } = { name: "", size: 0 }] = sizes.sort((left, right) => right.size - left.size);
    oversize[name] ??= size;
    // What was known of it may be too large beside what others are now.
    if (replaced.has(name)) delete image[name];
    else putBack(image, before?.image ?? {}, name);
    replaced.add(name);
  }
  return Object.keys(oversize).length === 0 ? rest : { ...rest, image, oversize };
}

function putBack(
  image: Record<string, ObjectRecord["image"][string]>,
  before: ObjectRecord["image"],
  name: string,
): void {
  const own = before[name];
  if (own === undefined) delete image[name];
  else image[name] = own;
}

/** Whether the change says what the attribute is now. */
function isTold(name: string, change: SourceChange, seesAll: boolean): boolean {
  if (change.op === "container") return true;
  if (change.op !== "upsert") return false;
  if (change.changed !== undefined) return change.changed.includes(name);
  return seesAll || Object.hasOwn(change.attributes, name);
}
