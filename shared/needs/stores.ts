/**
 * Where the cloud side keeps things: its queues, tables and containers, by the names under which the code opens them.
 *
 * Part of the table of needs (`../needs.ts`). Adapters, the local runtime and the infrastructure take the names from here,
 * and a row store that is asked for a table that isn't listed refuses: so nothing is opened that a deployment doesn't
 * know of. It imports nothing, so that every layer may read it.
 */

interface Queue {
  readonly name: string;
  readonly meaning: string;
  /** Deliveries before a message goes to the dead letters. */
  readonly maxDeliveryCount: number;
  /** How long a message that is being worked on is kept from others; 300 at most. */
  readonly lockSeconds: number;
}

interface Named {
  readonly name: string;
  readonly meaning: string;
}

export const QUEUES = {
  doorbell: {
    name: "doorbell",
    meaning: "one message for each ring: which job and lane has work",
    maxDeliveryCount: 10,
    lockSeconds: 60,
  },
} as const satisfies Readonly<Record<string, Queue>>;

export const TABLES = [
  { name: "jobs", meaning: "a partition a job: the job, its runners, inbox, batches, reads, watermarks, cycles" },
  { name: "agents", meaning: "agents, leases, one-time tokens (hashed), commands" },
  { name: "objects", meaning: "image and link of every object that an agent sent" },
  { name: "claims", meaning: "unique values in the target, and who holds them" },
  { name: "sids", meaning: "security identifiers of objects, for members of other forests" },
  { name: "referrers", meaning: "who waits for an object that isn't there yet" },
  { name: "links", meaning: "members and managers: what is wanted, what was sent" },
  { name: "dirtylinks", meaning: "groups whose members are to be looked at when a read ends" },
  { name: "scopenotes", meaning: "what a read saw of the units and groups that the scope names" },
  { name: "removals", meaning: "what a read would take away, until its end" },
  { name: "staged", meaning: "removals that wait for an administrator" },
  { name: "escrows", meaning: "objects whose last attempt failed" },
  { name: "expiries", meaning: "accounts that end on a day" },
  { name: "exclusions", meaning: "objects that are never touched" },
  { name: "quota", meaning: "writes booked in the target's quota" },
] as const satisfies readonly Named[];

/** Tables of a month each: the name, then year and month, such as `log202607`. The code makes and drops them. */
export const MONTHLY_TABLES = [
  { name: "log", meaning: "the provisioning log" },
  { name: "audit", meaning: "who changed what by the admin API" },
] as const satisfies readonly Named[];

export const CONTAINERS = {
  payloads: { name: "uplink", meaning: "batches, plans, outcomes, schemas, results of what-ifs and reconciles" },
} as const satisfies Readonly<Record<string, Named>>;

const TABLE_NAMES: ReadonlySet<string> = new Set(TABLES.map(({ name }) => name));
const MONTHLY = new RegExp(`^(?:${MONTHLY_TABLES.map(({ name }) => name).join("|")})\\d{6}$`);

/** Whether the code may open a table of this name. */
export function isKnownTable(name: string): boolean {
  return TABLE_NAMES.has(name) || MONTHLY.test(name);
}
