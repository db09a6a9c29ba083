/**
 * Configurations and jobs as admins set them. A configuration is one AD domain and one target; its job is what runs.
 */
import { z } from "zod";
import { Guid } from "./change.ts";

export const JOB_TEMPLATE = "AD2AADProvisioning";

export const GuardSettingsSchema = z.strictObject({
  floor: z.number().int().min(0),
  count: z.number().int().min(1),
  percent: z.number().min(0).max(100),
});

/**
 * The part of the scope that an agent decides before data leaves the building, by objectGUID, so that a rename or a move
 * changes nothing. An object is in it when it is below one of the units (any, if none is named) *and* in one of the groups,
 * nested ones included (any, if none is named; the groups themselves count as in). The schema's clauses come on top, in the cloud.
 */
export const AgentScope = z.strictObject({
  organizationalUnits: z.array(Guid).max(10_000).default([]),
  groups: z.array(Guid).max(10_000).default([]),
});
export type AgentScope = z.infer<typeof AgentScope>;

/** What becomes of people and groups who end: each is absent in settings of before there was a choice. */
export const LifecycleSettings = z.strictObject({
  /**
   * What becomes of the target object of somebody who exists and left the scope, or was missing from a complete full read: deleted
   * (the default), disabled, or kept as it is, unchanged from then on. A tombstone always deletes. A group can't be disabled: it is kept.
   */
  outOfScope: z.enum(["delete", "disable", "keep"]).optional(),
  /** Whether an account whose `accountExpires` has passed is disabled in the target; `ignore` (the default), as Microsoft's sync does. */
  expiredAccounts: z.enum(["ignore", "disable"]).optional(),
  /**
   * For how many days the deletion of a group waits, for a cloud that can't restore groups; 0 (the default) where it can. A group that
   * is back in time was never touched.
   */
  groupDeleteDelayDays: z.number().int().min(0).max(30).optional(),
});
export type LifecycleSettings = z.infer<typeof LifecycleSettings>;

export const JobSettings = z.strictObject({
  scope: AgentScope.default({ organizationalUnits: [], groups: [] }),
  /** A named admin vouches that the agent's account sees everything: absences act although visibility is partial. */
  trustVisibility: z
    .strictObject({ by: z.string().min(1).max(256), at: z.string().min(1).max(64) })
    .nullable()
    .default(null),
  lifecycle: LifecycleSettings.optional(),
  guard: GuardSettingsSchema.default({ floor: 20, count: 500, percent: 10 }),
  /** What becomes of a user principal name whose suffix the target has not verified. */
  suffixPolicy: z.enum(["replace", "escrow"]).default("replace"),
  /** How people sign in on day 1: a required choice, for no password that anyone knows is ever made. */
  signIn: z.enum(["federated", "certificate", "temporaryAccessPass", "ownProcess"]),
  /** Two-letter country for users without one; licences need it. */
  defaultUsageLocation: z.string().length(2).optional(),
  /** Target properties, or attributes that they are mapped from, whose values no log shows; beside what the schema redacts. */
  redact: z.array(z.string().min(1).max(256)).max(500).optional(),
  /** `staging`: everything but exports. Absent in jobs of before there was a choice: normal. */
  mode: z.enum(["normal", "staging"]).optional(),
  /** Whether anything is exported before an admin approved what it would be. Said once, when the job is made. */
  firstExport: z.enum(["approval", "automatic"]).default("approval"),
  /** When everything is read again: a cron expression of five fields, in the job's time zone. */
  fullSync: z
    .strictObject({ schedule: z.string().min(1).max(128), timeZone: z.string().min(1).max(128) })
    .default({ schedule: "0 2 * * *", timeZone: "UTC" }),
});
export type JobSettings = z.infer<typeof JobSettings>;

export const CreateConfigurationRequest = z.strictObject({
  displayName: z.string().min(1).max(256),
  /** The AD domain's DNS name; its objectGUID and SID are bound at the first enrolment. */
  domainFqdn: z
    .string()
    .max(255, { error: "must have 255 characters at most", abort: true })
    .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i, "must be a DNS name"),
  domainNetBios: z.string().min(1).max(15),
  settings: JobSettings,
});
export type CreateConfigurationRequest = z.infer<typeof CreateConfigurationRequest>;

export const CreateTokenRequest = z.strictObject({
  /** Minutes until the token expires; 60 at most. */
  minutes: z.number().int().min(1).max(60).default(60),
  /** Whether the agent that uses it is active at once or waits for an admin. */
  policy: z.enum(["active", "pending"]).default("active"),
});
export type CreateTokenRequest = z.infer<typeof CreateTokenRequest>;
