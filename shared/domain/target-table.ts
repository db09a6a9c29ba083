/**
 * What a target can hold, as a table: for each target attribute that a schema may name, the property that it becomes, or
 * why it becomes none. Types only; the tables are `graph-target.ts` and `scim-target.ts`, and the attribute flow reads
 * them without knowing which target it works for.
 *
 * Lengths are those that the target enforces, in UTF-16 units. `clearable`: null may be sent once a value was exported.
 * `sensitive`: the directory lets an app change it on a privileged account only when the app has a role.
 */

/** What a target object is. */
export type TargetType = "user" | "group";

export interface TargetProperty {
  /** The property's name; `object.key` for a key of a nested property, or a whole path (`isPath`). */
  readonly property: string;
  /** `list` is a collection; `anchor` base64 of a binary value; `alias` a mail nickname; `reference` a link. */
  readonly type: "string" | "boolean" | "list" | "anchor" | "alias" | "reference";
  /** The name is a path into the resource and stays one name: dots in it nest nothing. */
  readonly isPath?: true;
  /** Of a list: how many values it takes; any number without it. */
  readonly maximumItems?: number;
  readonly maximumLength?: number;
  readonly required?: true;
  readonly clearable?: true;
  readonly unique?: true;
  readonly sensitive?: true;
  /** Of a reference: any number of objects, kept by the links' engine and no part of an object's values. */
  readonly isList?: true;
  readonly format?: ValueFormat;
  /** The target lets only a holder of this role write it, so it is left out unless the job says that the app has it. */
  readonly needsRole?: string;
  /** Objects are looked for by it, as the first, second … thing. */
  readonly matchedAs?: number;
}

/** What the directory takes, and what becomes of an object whose value is something else. */
export interface ValueFormat {
  readonly pattern: RegExp;
  readonly wanted: string;
  readonly otherwise: "fail" | "leave-out";
}

export interface NotSettable {
  readonly notSettable: string;
  /** The engine reads the source attributes all the same: to match, to index, to join. */
  readonly usedByEngine?: true;
  /** Addresses with their types, of which the primary one (`SMTP:`) stands in for `mail` where a new object is matched. */
  readonly holdsAddresses?: true;
  readonly matchedAs?: number;
}

export type TargetEntry = TargetProperty | NotSettable;
export type TargetTable = ReadonlyMap<string, TargetEntry>;

/** A schema's target objects by their names there; one that isn't here is a thing that the target can't hold. */
export type TargetObjects = ReadonlyMap<string, { readonly type: TargetType; readonly table: TargetTable }>;
