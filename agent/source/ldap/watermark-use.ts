/**
 * Whether a watermark is good where we read now.
 *
 * On the domain controller that gave it, as long as that was not put back to an earlier state. On another one, if it has everything that
 * originated on the first up to the watermark's USN: `msDS-NCReplCursors` says so. A cookie holds an up-to-dateness vector, so another
 * controller reports too much at worst; one that lags would show older values in second reads, and is refused.
 */
import type { Watermark } from "../../../shared/contracts/change.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import type { LdapConnection } from "./connection.ts";
import type { DomainFacts } from "./domain-facts.ts";
import { textsOf } from "./entries.ts";

const MILLISECONDS_PER_DAY = 86_400_000;

/** The watermark's cookie. Throws `SourceError` source-cookie when it is of no use here. */
export async function usableCookie(
  connection: LdapConnection,
  watermark: Watermark | null,
  facts: DomainFacts,
  clock: Clock,
): Promise<Buffer> {
  const refuse = (why: string) =>
    new SourceError(
      "source-cookie",
      `The watermark is of no use on ${facts.server.dnsName}: ${why}.`,
      "Nothing to do: a full read follows.",
    );
  if (watermark === null) throw refuse("there is none");
  if (watermark.mode !== "dirsync") throw refuse("it is not one of a domain controller");
  if (watermark.invocationId !== facts.server.invocationId) {
    const cursor = await replicationCursor(connection, facts.root, watermark.invocationId);
    if (cursor === undefined || cursor < BigInt(watermark.usn))
      throw refuse(
        `${watermark.dnsName} gave it, or this server before it was restored, and this server isn't known to be as current`,
      );
  } else if (BigInt(watermark.usn) > BigInt(facts.server.highestCommittedUsn)) {
    throw refuse("the server's highest USN is lower than when it gave it: it was rolled back");
  }
  const ageDays = (clock.now() - Date.parse(watermark.at)) / MILLISECONDS_PER_DAY;
  if (ageDays > facts.tombstoneDays / 2) {
    throw refuse(`it is ${Math.floor(ageDays)} days old, and tombstones live ${facts.tombstoneDays} days`);
  }
  return Buffer.from(watermark.token, "base64");
}

/** Up to which USN of that invocation this server has everything; undefined when it doesn't say. */
export async function replicationCursor(
  connection: LdapConnection,
  root: string,
  invocationId: string,
): Promise<bigint | undefined> {
  const [entry] = await connection.search({
    base: root,
    scope: "base",
    filter: "(objectClass=*)",
    attributes: ["msDS-NCReplCursors"],
  });
  for (const text of entry === undefined ? [] : textsOf(entry, "msDS-NCReplCursors")) {
    const source = /<uuidSourceDsaInvocationID>\s*([0-9a-f-]{36})\s*</i.exec(text)?.[1];
    const usn = /<usnAttributeFilter>\s*(\d+)\s*</i.exec(text)?.[1];
    if (source?.toLowerCase() === invocationId && usn !== undefined) return BigInt(usn);
  }
  return undefined;
}
