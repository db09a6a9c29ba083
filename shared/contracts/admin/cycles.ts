/**
 * The admin API of accounts: a cycle's, which is that of one read, and a day's, the sum of the cycles that were closed on it. Numbers only; who did what stands in the provisioning log.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf, Top } from "./paging.ts";

const Outcomes = z.strictObject({
  exported: z.number(),
  "no-op": z.number(),
  filtered: z.number(),
  staged: z.number(),
  escrowed: z.number(),
});

/** The account of one read. */
export const CycleReply = z.strictObject({
  cycleId: z.string(),
  readNo: z.number(),
  kind: z.enum(["full", "delta"]),
  state: z.enum(["ended", "aborted"]),
  startedAt: z.string(),
  endedAt: z.string(),
  closedAt: z.string(),
  received: z.number(),
  outcomes: Outcomes,
  absent: Outcomes,
  created: z.number(),
  updated: z.number(),
  deleted: z.number(),
  restored: z.number(),
  writes: z.number(),
  /** Memberships, apart from objects. */
  links: z.strictObject({
    added: z.number(),
    removed: z.number(),
    pending: z.number(),
    suspended: z.number(),
    staged: z.number(),
    failed: z.number(),
  }),
  filteredBy: z.record(z.string(), z.number()),
  escrowedBy: z.record(z.string(), z.number()),
  staged: z.array(z.strictObject({ class: z.string(), count: z.number(), reason: z.string() })),
  complete: z.boolean(),
  incompleteBecause: z.string().nullable(),
});
export type CycleReply = z.infer<typeof CycleReply>;

/** The account of a day (UTC). */
export const DayReply = z.strictObject({
  /** `2026-01-05`. */
  day: z.string(),
  /** Numbers of the reads whose cycles were closed on it. */
  cycles: z.array(z.number()),
  received: z.number(),
  outcomes: Outcomes,
  /** Beside those received: whom full reads lacked. */
  absent: Outcomes,
  writes: z.number(),
});
export type DayReply = z.infer<typeof DayReply>;

/** From a page's `@odata.nextLink`; nobody makes one. */
const CyclePlace = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, "must come from an @odata.nextLink")
  .optional();
const DayPlace = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, "must come from an @odata.nextLink")
  .optional();

export const listCycles = operation({
  id: "ListCycles",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/cycles",
  guard: "admin-read",
  summary: "Accounts of a job's reads, newest first.",
  query: z.strictObject({ $top: Top, $skiptoken: CyclePlace }),
  reply: listOf(CycleReply),
  refusals: { "job-not-found": 404 },
});

export const listDays = operation({
  id: "ListDays",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/days",
  guard: "admin-read",
  summary: "Accounts of a job's days, newest first.",
  query: z.strictObject({ $top: Top, $skiptoken: DayPlace }),
  reply: listOf(DayReply),
  refusals: { "job-not-found": 404 },
});
