/**
 * What keeps a record from being dropped in silence. A person who is missing from a full read counts as gone, and may be
 * deleted; so what isn't sent must be known to be no person, and whatever could be one and isn't readable as one ends the read.
 *
 * Three ways to lose one: two records run together (an empty line was lost), a record whose classes don't say what it is, and one
 * whose class no longer is what its attributes tell. It knows nothing of what the service ordered but the class names.
 */
import { SourceError } from "../../../shared/ports/source-directory.ts";
import { classOf, isKnownClass } from "../object-classes.ts";
import type { LdifRecord } from "./ldif-parser.ts";
import { textsOfRecord } from "./record-values.ts";

/** An object has one of each, so a second one is another object's. */
const ONE_VALUE = ["objectGUID", "objectSid"] as const;
/** Classes of people that are more than a person in the directory: alone they don't say what the object is. */
const PERSON_CLASSES = ["person", "organizationalperson", "user", "inetorgperson"];
/** Only accounts have these. */
const ACCOUNT_ATTRIBUTES = ["sAMAccountName", "userPrincipalName", "userAccountControl"] as const;

/** A record that is sent only when the service asks for its class, which the file alone can't tell. */
export interface Doubt {
  readonly dn: string;
  readonly line: number;
  readonly objectClasses: readonly string[];
}

/** Throws source-record for a record that is no single object, or whose class nobody can tell. */
export function checkRecord(record: LdifRecord, file: string): void {
  for (const name of ONE_VALUE) {
    const count = [...record.attributesByName]
      .filter(([key]) => key.split(";")[0] === name.toLowerCase())
      .reduce((sum, [, { values }]) => sum + values.length, 0);
    if (count > 1) {
      throw refused(
        record,
        file,
        `it has ${count} values of ${name}, as when the empty line between two records was lost`,
        "Export the file again, or put the empty line back.",
      );
    }
  }
  if (isHiddenPlace(record)) return;
  const classes = textsOfRecord(record, "objectClass");
  if (classes.every((name) => name.toLowerCase() === "top")) {
    throw refused(
      record,
      file,
      classes.length === 0 ? "it has no objectClass" : "its objectClass is 'top' alone",
      "Export with objectClass, by an account that may read it, or leave the object out of the export.",
    );
  }
}

/** Where every directory keeps objects that plain accounts may not read, and no people. */
const SYSTEM_PLACES = /(^|,)\s*cn\s*=\s*(system|ntds quotas)\s*,\s*dc\s*=/i;

/**
 * A DN alone is what an export has of an object that its account may not read. Of a unit, a domain or the directory's own that is
 * well: no person is named so. Of anything else it could be a person whom the account could read before.
 */
function isHiddenPlace({ attributesByName, dn }: LdifRecord): boolean {
  return attributesByName.size === 0 && (/^\s*(ou|dc)\s*=/i.test(dn) || SYSTEM_PLACES.test(dn));
}

/** Whether the record could be a person whose class isn't one that we know. */
export function doubtOf(record: LdifRecord): Doubt | undefined {
  const objectClasses = textsOfRecord(record, "objectClass");
  if (objectClasses.some(isKnownClass)) return undefined;
  const isPersonLike =
    objectClasses.some((name) => PERSON_CLASSES.includes(name.trim().toLowerCase())) ||
    ACCOUNT_ATTRIBUTES.some((name) => record.attributesByName.has(name.toLowerCase()));
  return isPersonLike ? { dn: record.dn, line: record.line, objectClasses } : undefined;
}

/** Throws source-record for the first record in doubt whose class wasn't asked for by its name. */
export function refuseDoubts(doubts: readonly Doubt[], wanted: readonly string[], file: string): void {
  const faulty = doubts.filter(({ objectClasses }) => classOf(objectClasses, wanted) === undefined);
  const [first] = faulty;
  if (first === undefined) return;
  throw refused(
    first,
    file,
    `it looks like an account, and its classes (${first.objectClasses.join(", ")}) don't say which kind${andMore(faulty)}`,
    "Give it all its classes (top, person, organizationalPerson, user), or leave it out of the export if it is no account.",
  );
}

/** Throws source-record for the first record of a class that is sent which can't be told from others. */
export function refuseWithoutGuid(withoutGuid: readonly Doubt[], wanted: readonly string[], file: string): void {
  const faulty = withoutGuid.filter(({ objectClasses }) => classOf(objectClasses, wanted) !== undefined);
  const [first] = faulty;
  if (first === undefined) return;
  throw new SourceError(
    "source-record",
    `'${first.dn}' (line ${first.line} of ${file}) has no objectGUID${andMore(faulty)}: an object can't be told from another without it.`,
    "Export with objectGUID; for a record written by hand, give it a new GUID.",
  );
}

function andMore(faulty: readonly Doubt[]): string {
  return faulty.length > 1 ? ` (and ${faulty.length - 1} more)` : "";
}

function refused(record: Pick<Doubt, "dn" | "line">, file: string, why: string, remedy: string): SourceError {
  return new SourceError(
    "source-record",
    `Cannot use '${record.dn}' (line ${record.line} of ${file}): ${why}.`,
    remedy,
  );
}
