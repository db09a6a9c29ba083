/**
 * Whether a directory server is at least as current as what the directory was last known to have (N4 c): else who was made
 * since would look absent from a full read of it.
 *
 * The same invocation is, as long as its USN didn't go back. Another one is, if its replication cursor for that invocation
 * (`msDS-NCReplCursors`) has reached the known USN. A server whose USN went back gives numbers for the second time, so its own
 * USN proves nothing any more. Until a read proves itself the last known state stays what reads are held against, though deltas
 * go on from the newer watermark. Dropping it is an admin's word (`restart` with `resetScope` Watermark).
 */
import type { DirectoryServer } from "../../contracts/change.ts";
import type { ServerState } from "../state/job-rows.ts";

/** Why it isn't known to be as current; null when it is. */
export function staleness(known: ServerState | null, dsa: DirectoryServer): string | null {
  if (known === null) return null;
  if (known.invocationId === dsa.invocationId) {
    if (known.isRolledBack)
      return `the directory server ${dsa.dnsName} was put back to an earlier state and gives its numbers for the second time`;
    return BigInt(dsa.highestCommittedUsn) < BigInt(known.usn)
      ? `the directory server ${dsa.dnsName} is older than the accepted watermark: it was put back to an earlier state`
      : null;
  }
  const cursor = dsa.replCursor?.invocationId === known.invocationId ? dsa.replCursor.usn : undefined;
  if (cursor !== undefined && BigInt(cursor) >= BigInt(known.usn)) return null;
  const reached = cursor === undefined ? "" : `: it has ${known.dnsName}'s changes up to ${cursor}, not ${known.usn}`;
  return `it was read from another directory server, ${dsa.dnsName}, which is not proven to be as current${reached}`;
}

/** What reads are held against after a full read of that server; null: the state of its own watermark. */
export function unprovenAfter(known: ServerState | null, dsa: DirectoryServer): ServerState | null {
  if (known === null || staleness(known, dsa) === null) return null;
  return known.invocationId === dsa.invocationId ? { ...known, isRolledBack: true } : known;
}
