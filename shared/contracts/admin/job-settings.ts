/**
 * The admin API of a job's settings as a whole: what it was made with and what of that can be changed later, under one ETag. The
 * mode has an operation of its own (`jobs.ts`): it releases what was held.
 */
import { z } from "zod";
import { AgentScope, GuardSettingsSchema, JobSettings, LifecycleSettings } from "../configuration.ts";
import { operation } from "../operation.ts";

const CountryOrNull = JobSettings.shape.defaultUsageLocation.unwrap().nullable();
const Redact = JobSettings.shape.redact.unwrap();
const FullSync = JobSettings.shape.fullSync.unwrap();
const SuffixPolicy = JobSettings.shape.suffixPolicy.unwrap();
const DisplayName = z.string().min(1).max(256);

/** With every default told. */
export const JobSettingsReply = z.strictObject({
  /** Of these settings: a change that names it is refused when they are others by then. */
  "@odata.etag": z.string(),
  jobId: z.string(),
  configurationId: z.string(),
  displayName: z.string(),
  domainFqdn: z.string(),
  domainNetBios: z.string(),
  scope: AgentScope,
  scopeVersion: z.number(),
  schemaVersion: z.number(),
  /** Who vouches that the agent's account sees everything, and since when. */
  trustVisibility: z.strictObject({ by: z.string(), at: z.string() }).nullable(),
  lifecycle: LifecycleSettings.required(),
  guard: GuardSettingsSchema,
  suffixPolicy: SuffixPolicy,
  signIn: JobSettings.shape.signIn,
  defaultUsageLocation: z.string().nullable(),
  redact: z.array(z.string()),
  /** Said when the job was made; it can't be changed. */
  firstExport: z.enum(["approval", "automatic"]),
  fullSync: FullSync,
});
export type JobSettingsReply = z.infer<typeof JobSettingsReply>;

/** What is left out stays as it is. */
export const JobSettingsChange = z.strictObject({
  displayName: DisplayName.optional(),
  scope: AgentScope.optional(),
  /** True: who asks vouches that the agent's account sees everything. */
  trustVisibility: z.boolean().optional(),
  lifecycle: LifecycleSettings.optional(),
  guard: GuardSettingsSchema.optional(),
  suffixPolicy: SuffixPolicy.optional(),
  signIn: JobSettings.shape.signIn.optional(),
  /** Null: none. */
  defaultUsageLocation: CountryOrNull.optional(),
  redact: Redact.optional(),
  fullSync: FullSync.optional(),
});
export type JobSettingsChange = z.infer<typeof JobSettingsChange>;

/** `followedBy`: the agent reads everything again (`full-read`), or everybody is mapped anew from what was read (`re-evaluation`). */
export const JobSettingsChanged = JobSettingsReply.extend({
  changed: z.array(z.string()),
  followedBy: z.enum(["full-read", "re-evaluation", "nothing"]),
});
export type JobSettingsChanged = z.infer<typeof JobSettingsChanged>;

const PATH = "v1.0/uplink/jobs/{jobId}/settings";

export const getJobSettings = operation({
  id: "GetJobSettings",
  method: "GET",
  path: PATH,
  guard: "admin-read",
  summary: "A job's settings, with every default told.",
  reply: JobSettingsReply,
  hasEtag: true,
  refusals: { "job-not-found": 404 },
});

export const changeJobSettings = operation({
  id: "ChangeJobSettings",
  method: "PATCH",
  path: PATH,
  guard: "admin-write",
  summary: "Changes some of a job's settings, all of them or none; what they need follows.",
  body: JobSettingsChange,
  reply: JobSettingsChanged,
  hasEtag: true,
  refusals: { "job-not-found": 404 },
});
