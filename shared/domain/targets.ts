/**
 * The targets that a schema can be for: what each can hold, and the form in which it takes an object's values.
 *
 * A schema doesn't say in a fixed way which target it is for, so whoever has one tells (`TARGETS.get("scim")`).
 */

import { GRAPH_TARGETS } from "./graph-target.ts";
import { SCIM_TARGETS, scimResource } from "./scim-target.ts";
import type { TargetObjects, TargetType } from "./target-table.ts";
import type { TargetValues } from "./target-value.ts";

export const TARGET_NAMES = ["graph", "scim"] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

export interface Target {
  readonly name: TargetName;
  /** As people call it. */
  readonly label: string;
  readonly objects: TargetObjects;
  /** The values of an attribute flow as the body of a create: JSON. */
  readonly resource: (type: TargetType, values: TargetValues) => Readonly<Record<string, unknown>>;
}

export const GRAPH: Target = {
  name: "graph",
  label: "Microsoft Graph",
  objects: GRAPH_TARGETS,
  resource: (_, values) => values,
};

export const SCIM: Target = { name: "scim", label: "SCIM 2.0", objects: SCIM_TARGETS, resource: scimResource };

export const TARGETS: ReadonlyMap<TargetName, Target> = new Map([GRAPH, SCIM].map((own) => [own.name, own]));
