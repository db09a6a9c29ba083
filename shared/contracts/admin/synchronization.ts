/**
 * Configurations, jobs and templates as Microsoft Graph's synchronization API has them: a configuration stands where Graph has a
 * service principal. Names, types and closed sets are those of Microsoft's own type definitions, which a test holds these against.
 * What is started, paused and restarted: `jobs.ts`; the schema: `schemas.ts`.
 */
import { z } from "zod";
import { QUARANTINE_REASONS } from "../../domain/quarantine.ts";
import { graphBody } from "../graph-body.ts";
import { operation } from "../operation.ts";
import { SynchronizationSchemaBody } from "../synchronization-schema.ts";
import { listOf, ShortPage } from "./paging.ts";

/** Graph's moments are never null: this one stands for "never". */
export const NEVER = "0001-01-01T00:00:00Z";
/** And this one for "not before an admin says so". */
export const NOT_BY_ITSELF = "9999-12-31T23:59:59Z";

export const ServicePrincipalReply = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  servicePrincipalType: z.literal("Application"),
  applicationTemplateId: z.string(),
});
export type ServicePrincipalReply = z.infer<typeof ServicePrincipalReply>;

const SynchronizationError = z.strictObject({ code: z.string(), message: z.string(), tenantActionable: z.boolean() });

/** One cycle: the effect of one read. */
const Execution = z.strictObject({
  activityIdentifier: z.string(),
  countEntitled: z.number(),
  countEntitledForProvisioning: z.number(),
  countEscrowed: z.number(),
  countEscrowedRaw: z.number(),
  countExported: z.number(),
  countExports: z.number(),
  countImported: z.number(),
  countImportedDeltas: z.number(),
  countImportedReferenceDeltas: z.number(),
  error: SynchronizationError.nullable(),
  state: z.enum(["Succeeded", "Failed", "EntryLevelErrors"]),
  timeBegan: z.string(),
  timeEnded: z.string(),
});
export type Execution = z.infer<typeof Execution>;

export const SynchronizationStatusReply = z.strictObject({
  /** `NotConfigured`: no agent has enrolled yet. `NotRun`: nothing was read yet. */
  code: z.enum(["NotConfigured", "NotRun", "Active", "Paused", "Quarantine"]),
  countSuccessiveCompleteFailures: z.number(),
  /** Nothing here drops an escrow for there being too many. */
  escrowsPruned: z.boolean(),
  lastExecution: Execution.nullable(),
  lastSuccessfulExecution: Execution.nullable(),
  lastSuccessfulExecutionWithExports: Execution.nullable(),
  progress: z.array(
    z.strictObject({
      completedUnits: z.number(),
      totalUnits: z.number(),
      units: z.string(),
      progressObservationDateTime: z.string(),
    }),
  ),
  quarantine: z
    .strictObject({
      currentBegan: z.string(),
      error: SynchronizationError,
      nextAttempt: z.string(),
      reason: z.enum(QUARANTINE_REASONS),
      seriesBegan: z.string(),
      seriesCount: z.number(),
    })
    .nullable(),
  steadyStateFirstAchievedTime: z.string(),
  steadyStateLastAchievedTime: z.string(),
  /** Linked objects, as last counted: within an hour of the last change. Empty before that. */
  synchronizedEntryCountByType: z.array(z.strictObject({ key: z.string(), value: z.number() })),
  troubleshootingUrl: z.string().nullable(),
});
export type SynchronizationStatusReply = z.infer<typeof SynchronizationStatusReply>;

export const SynchronizationJobReply = z.strictObject({
  id: z.string(),
  templateId: z.string(),
  schedule: z.strictObject({
    expiration: z.string().nullable(),
    /** ISO 8601: how often agents ask for changes. */
    interval: z.string(),
    /** `Disabled`: in quarantine for too long. */
    state: z.enum(["Active", "Disabled", "Paused"]),
  }),
  status: SynchronizationStatusReply,
  synchronizationJobSettings: z.array(z.strictObject({ name: z.string(), value: z.string() })),
});
export type SynchronizationJobReply = z.infer<typeof SynchronizationJobReply>;

export const SynchronizationTemplateReply = z.strictObject({
  id: z.string(),
  applicationId: z.string(),
  default: z.boolean(),
  description: z.string(),
  discoverable: z.boolean(),
  factoryTag: z.string(),
  /** Of a template by itself; a list leaves it out. */
  schema: SynchronizationSchemaBody.optional(),
});
export type SynchronizationTemplateReply = z.infer<typeof SynchronizationTemplateReply>;

export const FilterOperatorReply = z.strictObject({
  id: z.string(),
  name: z.string(),
  arity: z.enum(["Binary", "Unary"]),
  multivaluedComparisonType: z.enum(["All", "Any"]),
  supportedAttributeTypes: z.array(z.enum(["String", "Integer", "Reference", "Binary", "Boolean", "DateTime"])),
});
export type FilterOperatorReply = z.infer<typeof FilterOperatorReply>;

export const MappingFunctionReply = z.strictObject({
  id: z.string(),
  name: z.string(),
  parameters: z.array(
    z.strictObject({
      name: z.string(),
      type: z.enum(["String", "Integer", "Reference", "Binary", "Boolean", "DateTime"]),
      required: z.boolean(),
      allowMultipleOccurrences: z.boolean(),
    }),
  ),
});
export type MappingFunctionReply = z.infer<typeof MappingFunctionReply>;

const ROOT = "v1.0/servicePrincipals";
const CONFIGURATION = `${ROOT}/{configurationId}` as const;
const JOBS = `${CONFIGURATION}/synchronization/jobs` as const;
const TEMPLATES = `${CONFIGURATION}/synchronization/templates` as const;
const UNKNOWN_CONFIGURATION = { "configuration-not-found": 404 } as const;
const UNKNOWN_JOB = { "job-not-found": 404 } as const;

export const listServicePrincipals = operation({
  id: "ListServicePrincipals",
  method: "GET",
  path: ROOT,
  guard: "admin-read",
  summary: "The configurations, where Graph has service principals.",
  query: z.strictObject(ShortPage),
  reply: listOf(ServicePrincipalReply),
});

export const getServicePrincipal = operation({
  id: "GetServicePrincipal",
  method: "GET",
  path: CONFIGURATION,
  guard: "admin-read",
  summary: "One configuration.",
  reply: ServicePrincipalReply,
  refusals: UNKNOWN_CONFIGURATION,
});

export const listJobs = operation({
  id: "ListSynchronizationJobs",
  method: "GET",
  path: JOBS,
  guard: "admin-read",
  summary: "The jobs of a configuration, with their status.",
  query: z.strictObject(ShortPage),
  reply: listOf(SynchronizationJobReply),
  refusals: UNKNOWN_CONFIGURATION,
});

/** Of Graph's other fields a job takes none, and refuses them: its schedule and schema are set where they are shown. */
export const CreateJobRequest = graphBody({ templateId: z.string().min(1).max(128) });

export const createJob = operation({
  id: "CreateSynchronizationJob",
  method: "POST",
  path: JOBS,
  guard: "admin-write",
  summary:
    "Makes a job from a template, for a configuration whose job was deleted; its first export waits for an approval.",
  body: CreateJobRequest,
  reply: SynchronizationJobReply,
  statuses: [201],
  refusals: { "configuration-not-found": 404, "template-not-found": 404, "job-exists": 409 },
});

export const deleteJob = operation({
  id: "DeleteSynchronizationJob",
  method: "DELETE",
  path: `${JOBS}/{jobId}`,
  guard: "admin-write",
  summary:
    "Deletes a job. What becomes of its objects has to be said: keep leaves them in the target as they are; delete stages their deletion, and the job goes once that was approved and carried out.",
  query: z.strictObject({ objects: z.enum(["keep", "delete"]).optional() }),
  reply: null,
  refusals: { "job-not-found": 404, "job-has-objects": 409, "job-objects-not-deleted": 409 },
});

export const getJob = operation({
  id: "GetSynchronizationJob",
  method: "GET",
  path: `${JOBS}/{jobId}`,
  guard: "admin-read",
  summary: "A job with its status, as Graph tells it.",
  reply: SynchronizationJobReply,
  refusals: UNKNOWN_JOB,
});

export const listTemplates = operation({
  id: "ListSynchronizationTemplates",
  method: "GET",
  path: TEMPLATES,
  guard: "admin-read",
  summary: "The templates that a job can be made from.",
  query: z.strictObject(ShortPage),
  reply: listOf(SynchronizationTemplateReply),
  refusals: UNKNOWN_CONFIGURATION,
});

export const getTemplate = operation({
  id: "GetSynchronizationTemplate",
  method: "GET",
  path: `${TEMPLATES}/{templateId}`,
  guard: "admin-read",
  summary: "A template with the schema that its jobs begin with.",
  reply: SynchronizationTemplateReply,
  refusals: { "configuration-not-found": 404, "template-not-found": 404 },
});

export const listFilterOperators = operation({
  id: "ListFilterOperators",
  method: "GET",
  path: `${JOBS}/{jobId}/schema/filterOperators`,
  guard: "admin-read",
  summary: "The operators that scoping filters may use.",
  query: z.strictObject(ShortPage),
  reply: listOf(FilterOperatorReply),
  refusals: UNKNOWN_JOB,
});

export const listMappingFunctions = operation({
  id: "ListMappingFunctions",
  method: "GET",
  path: `${JOBS}/{jobId}/schema/functions`,
  guard: "admin-read",
  summary: "The functions that attribute mappings may use.",
  query: z.strictObject(ShortPage),
  reply: listOf(MappingFunctionReply),
  refusals: UNKNOWN_JOB,
});
