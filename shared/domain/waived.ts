/**
 * What an admin let the target keep: properties whose value there stays, for as long as the source says of them what it
 * said then. Any other word of the source ends it for good, also if it comes back to the first one.
 */
import { sameScalar, scalarAt } from "./drift.ts";
import type { Link } from "./object-record.ts";
import type { TargetScalar, TargetValues } from "./target-value.ts";

/** By property (nested: `property.key`): what the source wanted then; of a reference the objectGUID that it goes to. */
export type Waived = Readonly<Record<string, TargetScalar>>;

/** What the source wants of a property now. */
export interface Wanted {
  readonly values: TargetValues;
  /** By property, objectGUIDs. */
  readonly references: Readonly<Record<string, string>>;
}

export function wantedOf({ values, references }: Wanted, property: string): TargetScalar {
  return references[property] ?? scalarAt(values, property);
}

/** The link with what is still waived; the same one when nothing ended. */
export function stillWaived(link: Link, wanted: Wanted): Link {
  const { waived, ...rest } = link;
  if (!waived) return link;
  const kept = Object.entries(waived).filter(([property, then]) => sameScalar(wantedOf(wanted, property), then));
  if (kept.length === Object.keys(waived).length) return link;
  return kept.length === 0 ? rest : { ...rest, waived: Object.fromEntries(kept) };
}
