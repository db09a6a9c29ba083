/**
 * An object's row: a record as columns and back, and what can be said of an object by a few of its columns, without its image.
 * Names of columns stand here, and nowhere else.
 */
import { NO_VERSION } from "../../domain/change-version.ts";
import type { Link, ObjectRecord, ObjectState } from "../../domain/object-record.ts";
import { valuesOf } from "../../domain/values.ts";
import type { Row, RowValues } from "../../ports/row-store.ts";
import { packJson, unpackJson } from "./packing.ts";

/** What absence detection needs of an object, without its image. */
export interface ObjectSummary {
  readonly objectGuid: string;
  readonly objectClass: string;
  readonly state: ObjectState;
  readonly version: string;
  readonly linked: boolean;
  /** A call to the target was under way, or its answer never came: there may be a target object without a link. */
  readonly marked: boolean;
  /** When we deleted its target object: milliseconds since 1970. */
  readonly goneAt?: number;
  /** When it has to be looked at again, though nothing changes: milliseconds since 1970. */
  readonly expiresAt?: number;
  /** Its account is disabled in the target, as far as we exported. */
  readonly disabled: boolean;
}

/** An object in a list of all. */
export interface ListedSummary extends ObjectSummary {
  /** Of one that has no target object, where it was asked for: its manager's objectGUID. */
  readonly manager?: string;
}

/** What a reference needs of an object, without its image. */
export interface ObjectLight {
  readonly objectClass: string;
  readonly targetId?: string;
  /** When we deleted the target object: milliseconds since 1970. */
  readonly deletedAt?: number;
  /** Its target object went to another source object. */
  readonly isElsewhere?: true;
  /** It ended, and its target object is kept as it is. */
  readonly isKept?: true;
  /** The target id of its manager, as exported. */
  readonly manager?: string;
  /** Where it was asked for. */
  readonly dn?: string;
}

export function rowKey(configurationId: string, objectGuid: string): string {
  return `${configurationId}:${objectGuid}`;
}

/** Rows of before links said since when they are there: since always. */
export function wasLinked({ linked, since, gone }: RowValues, at: number): boolean {
  if (typeof since === "number" && since > at) return false;
  return linked === true || (typeof gone === "number" && gone >= at);
}

/** A row is written twice, marked and with its outcome, and its image is the same object both times. */
const packedImages = new WeakMap<ObjectRecord["image"], Uint8Array>();

function packedImage(image: ObjectRecord["image"]): Uint8Array {
  const packed = packedImages.get(image) ?? packJson(image);
  packedImages.set(image, packed);
  return packed;
}

/**
 * The format of a row of this kind, in its column `v`; rows without one, and those of release 0.1.0, are of the first.
 *
 *   1   what is said below without another number
 *   2   `disabled` and `since` stand where the link says so: before, they were missing
 *
 * A later format only adds columns, so that the release before reads it too. Whoever writes a row writes it in this one; rows that
 * nobody writes are brought up by `migrate-rows.ts`.
 */
export const OBJECT_FORMAT = 2;

/** What `columnsLacking` needs. */
export const FORMAT_COLUMNS = ["v", "link"];

/** What a row of an older format lacks, by what it holds; undefined: nothing, or it can't be read. */
export function columnsLacking({ v, link }: RowValues): RowValues | undefined {
  if (typeof v === "number" && v >= OBJECT_FORMAT) return undefined;
  if (!(link instanceof Uint8Array)) return { v: OBJECT_FORMAT };
  try {
    return { v: OBJECT_FORMAT, ...derivedValues(unpackJson<Link>(link)) };
  } catch {
    return undefined;
  }
}

/** What a link says, where it can be asked for without reading the link. */
function derivedValues(link: ObjectRecord["link"]): RowValues {
  return {
    ...(link?.since === undefined ? {} : { since: link.since }),
    ...(link?.exported["accountEnabled"] === false ? { disabled: true } : {}),
  };
}

export function encodeObject(record: ObjectRecord): RowValues {
  const { link, mark, last, claims, missing, overtaken, handedOver, unlinked, facts, oversize, unapplied } = record;
  return {
    v: OBJECT_FORMAT,
    class: record.objectClass,
    dn: record.dn,
    ...(record.parentGuid === undefined ? {} : { parent: record.parentGuid }),
    state: record.state,
    version: record.version,
    scope: record.scope,
    image: packedImage(record.image),
    linked: link !== undefined && link.deletedAt === undefined,
    ...lightValues(link),
    ...derivedValues(link),
    ...(facts ? { facts: packJson(facts) } : {}),
    ...(record.undecided ? { undecided: true } : {}),
    ...(record.fate ? { fate: record.fate } : {}),
    ...(record.goneAt === undefined ? {} : { goneAt: record.goneAt }),
    ...(record.expiresAt === undefined ? {} : { expires: record.expiresAt }),
    ...(missing ? { missing: JSON.stringify(missing) } : {}),
    ...(overtaken ? { overtaken: JSON.stringify(overtaken) } : {}),
    ...(oversize ? { oversize: JSON.stringify(oversize) } : {}),
    ...(unapplied ? { unapplied } : {}),
    ...(link ? { link: packJson(link) } : {}),
    ...(mark ? { mark: JSON.stringify(mark) } : {}),
    ...(last ? { last: JSON.stringify(last) } : {}),
    ...(claims ? { claims: JSON.stringify(claims) } : {}),
    ...(handedOver ? { handedOver: JSON.stringify(handedOver) } : {}),
    ...(unlinked ? { unlinked: JSON.stringify(unlinked) } : {}),
  };
}

/** One damaged row holds up nobody else: what its plain columns say stands for it, link and all. */
export function decodeObject(configurationId: string, objectGuid: string, values: RowValues): ObjectRecord {
  try {
    return decodeWhole(configurationId, objectGuid, values);
  } catch {
    const { class: objectClass, dn, state, version, target, gone } = values;
    return {
      configurationId,
      objectGuid,
      objectClass: String(objectClass ?? ""),
      dn: String(dn ?? ""),
      image: {},
      state: (state ?? "live") as ObjectRecord["state"],
      version: String(version ?? NO_VERSION),
      scope: "",
      unreadable: true,
      ...(typeof target === "string"
        ? {
            link: {
              targetId: target,
              owner: configurationId,
              origin: "matched",
              exported: {},
              ...(typeof gone === "number" ? { deletedAt: gone } : {}),
            },
          }
        : {}),
    };
  }
}

function decodeWhole(configurationId: string, objectGuid: string, values: RowValues): ObjectRecord {
  // The store refuses such rows (`row-formats.ts`); a backup's don't come from there.
  if (Number(values["least"] ?? 1) > OBJECT_FORMAT) throw new Error("It takes a newer release to read this row.");
  const parentGuid = values["parent"];
  const link = values["link"];
  const mark = values["mark"];
  const last = values["last"];
  const claims = values["claims"];
  const missing = values["missing"];
  const overtaken = values["overtaken"];
  const handedOver = values["handedOver"];
  const unlinked = values["unlinked"];
  const facts = values["facts"];
  const oversize = values["oversize"];
  return {
    configurationId,
    objectGuid,
    objectClass: String(values["class"]),
    dn: String(values["dn"]),
    ...(typeof parentGuid === "string" ? { parentGuid } : {}),
    image: unpackJson(values["image"] as Uint8Array),
    state: values["state"] as ObjectRecord["state"],
    version: String(values["version"]),
    scope: String(values["scope"] ?? ""),
    ...(facts instanceof Uint8Array ? { facts: unpackJson(facts) } : {}),
    ...(values["undecided"] === true ? { undecided: true } : {}),
    ...(values["fate"] === "keep" || values["fate"] === "disable" ? { fate: values["fate"] } : {}),
    ...(typeof values["goneAt"] === "number" ? { goneAt: values["goneAt"] } : {}),
    ...(typeof values["expires"] === "number" ? { expiresAt: values["expires"] } : {}),
    ...(typeof missing === "string" ? { missing: JSON.parse(missing) } : {}),
    ...(typeof overtaken === "string" ? { overtaken: JSON.parse(overtaken) } : {}),
    ...(typeof oversize === "string" ? { oversize: JSON.parse(oversize) } : {}),
    ...(typeof values["unapplied"] === "string" ? { unapplied: values["unapplied"] } : {}),
    ...(link instanceof Uint8Array ? { link: unpackJson(link) } : {}),
    ...(typeof mark === "string" ? { mark: JSON.parse(mark) } : {}),
    ...(typeof last === "string" ? { last: JSON.parse(last) } : {}),
    ...(typeof claims === "string" ? { claims: JSON.parse(claims) } : {}),
    ...(typeof handedOver === "string" ? { handedOver: JSON.parse(handedOver) } : {}),
    ...(typeof unlinked === "string" ? { unlinked: JSON.parse(unlinked) } : {}),
  };
}

export const LIGHT_COLUMNS = ["class", "target", "gone", "manager", "handedOver", "fate"];

function lightValues(link: ObjectRecord["link"]): RowValues {
  if (!link) return {};
  const manager = link.exported["manager"];
  return {
    target: link.targetId,
    ...(link.deletedAt === undefined ? {} : { gone: link.deletedAt }),
    ...(typeof manager === "string" ? { manager } : {}),
  };
}

export function lightOf(values: RowValues): ObjectLight {
  const { target, gone, manager, dn, handedOver, fate } = values;
  const isElsewhere = typeof target !== "string" && typeof handedOver === "string";
  return {
    objectClass: String(values["class"]),
    ...(isElsewhere ? { isElsewhere } : {}),
    ...(fate === "keep" ? { isKept: true } : {}),
    ...(typeof target === "string" ? { targetId: target } : {}),
    ...(typeof gone === "number" ? { deletedAt: gone } : {}),
    ...(typeof manager === "string" ? { manager } : {}),
    ...(typeof dn === "string" ? { dn } : {}),
  };
}

export const SUMMARY_COLUMNS = ["class", "state", "version", "linked", "mark", "disabled", "gone", "expires"];

export function managerIn({ values }: Row): string | undefined {
  const { image } = values;
  if (!(image instanceof Uint8Array)) return undefined;
  const [manager] = valuesOf(unpackJson<ObjectRecord["image"]>(image), "manager");
  return typeof manager === "string" ? manager.toLowerCase() : undefined;
}

export function summaryOf(row: Row): ObjectSummary {
  return {
    objectGuid: row.row.slice(row.row.indexOf(":") + 1),
    objectClass: String(row.values["class"]),
    state: row.values["state"] as ObjectState,
    version: String(row.values["version"]),
    linked: row.values["linked"] === true,
    marked: typeof row.values["mark"] === "string",
    ...(typeof row.values["gone"] === "number" ? { goneAt: row.values["gone"] } : {}),
    disabled: row.values["disabled"] === true,
    ...(typeof row.values["expires"] === "number" ? { expiresAt: row.values["expires"] } : {}),
  };
}
