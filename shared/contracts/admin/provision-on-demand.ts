/**
 * Provisioning on demand, as in Microsoft Graph: one object of the directory, read now, taken through the pipeline, and each step
 * told. Graph's request and answer, with `dryRun` beside it, which writes nothing; Graph takes the distinguished name, we take
 * objectGUID and user principal name too.
 *
 * The answer's `key` and `value` are JSON texts, as Graph's are: `OnDemandKey` and `OnDemandValue` say what is in them.
 */
import { z } from "zod";
import { COMMAND_MEMBERS } from "../agent-commands.ts";
import { graphBody } from "../graph-body.ts";
import { operation } from "../operation.ts";
import { ProvisioningLogReply } from "../provisioning-log.ts";
import { TARGET_REFUSALS } from "../target-refusals.ts";

/** Requests of a job in so many milliseconds, as Graph allows them. */
export const ON_DEMAND_REQUESTS = 5;
export const ON_DEMAND_WINDOW_MS = 10_000;

const ObjectId = z
  .string()
  .min(1)
  .max(2_000)
  .refine((text) => !/\p{Cc}/u.test(text), "must not hold control characters");
/** Of the directory: user, group … ; left out: whichever it is. */
const TypeName = z.string().min(1).max(64);
const Named = { objectId: ObjectId, objectTypeName: TypeName.optional() };
const Subject = graphBody({
  ...Named,
  links: graphBody({ members: z.array(graphBody(Named)).max(COMMAND_MEMBERS).default([]) }).optional(),
});

/** A field that isn't known is refused: a slip in `dryRun` would write. */
export const ProvisionOnDemandRequest = graphBody({
  parameters: z
    .array(graphBody({ ruleId: z.string().max(256).optional(), subjects: z.array(Subject).length(1) }))
    .length(1),
  dryRun: z.boolean().default(false),
});
export type ProvisionOnDemandRequest = z.output<typeof ProvisionOnDemandRequest>;

const Clause = z.object({
  clause: z.string(),
  value: z.string().nullable(),
  answer: z.enum(["holds", "fails", "undecided"]),
  message: z.string().optional(),
  isDecisive: z.boolean(),
});
/** What the target said to the last write: HTTP status, its own name of the call, and ours. */
const Answer = z.object({
  status: z.number().int(),
  requestId: z.string().nullable(),
  clientRequestId: z.string().nullable(),
});
export type OnDemandAnswer = z.infer<typeof Answer>;
/** What a step saw, by its kind: what was read, the clauses of the scope, the match, what the mapping gave, what the target said. */
const StepDetails = z.object({
  values: z.record(z.string(), z.unknown()).optional(),
  groups: z
    .array(z.object({ name: z.string(), list: z.string(), answer: Clause.shape.answer, clauses: z.array(Clause) }))
    .optional(),
  matchedBy: z.string().nullable().optional(),
  linkedTo: z.string().nullable().optional(),
  answer: Answer.optional(),
});

const { provisioningSteps, modifiedProperties, provisioningStatusInfo, ...Logged } = ProvisioningLogReply.shape;
const Step = provisioningSteps.element.extend({ timestamp: z.string(), details: StepDetails });

export const OnDemandObject = z.object({
  ...Logged,
  modifiedProperties,
  provisioningSteps: z.array(Step),
  statusInfo: provisioningStatusInfo,
  action: z.enum(["create", "match", "update", "restore", "disable", "delete", "none"]),
  isDryRun: z.boolean(),
  /** What it counts as, apart from the account of any read; `none` of a dry run. */
  outcome: z.enum(["exported", "no-op", "filtered", "staged", "escrowed", "none"]),
  /** Removals that the guard had to let pass first. */
  waitsFor: z.array(z.string()),
  /** Something newer was known of it already: what was read now had no effect. */
  isSuperseded: z.boolean(),
  /** Of a group: what was sent of its members, and left for now. */
  memberships: z
    .object({
      added: z.number(),
      removed: z.number(),
      pending: z.number(),
      suspended: z.number(),
      staged: z.number(),
      failed: z.number(),
      answer: Answer.optional(),
      /** Of a dry run: who of the chosen members, by objectGUID. */
      would: z
        .object({ added: z.array(z.string()), removed: z.array(z.string()), pending: z.array(z.string()) })
        .optional(),
    })
    .optional(),
});
export type OnDemandObject = z.infer<typeof OnDemandObject>;

/** The object first, then the members that were asked for. */
export const OnDemandValue = z.array(OnDemandObject);
export type OnDemandValue = z.infer<typeof OnDemandValue>;

export const OnDemandKey = z.object({
  result: z.enum(["Success", "Skipped", "Failure"]),
  details: z.object({ errorCode: z.string(), errorMessage: z.string() }),
});
export type OnDemandKey = z.infer<typeof OnDemandKey>;

export const ProvisionOnDemandReply = z.object({ key: z.string(), value: z.string() });
export type ProvisionOnDemandReply = z.infer<typeof ProvisionOnDemandReply>;

export const provisionOnDemand = operation({
  id: "ProvisionOnDemand",
  method: "POST",
  path: "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/provisionOnDemand",
  guard: "admin-write",
  summary: "Takes one object of the directory through the pipeline now, and tells each step.",
  body: ProvisionOnDemandRequest,
  reply: ProvisionOnDemandReply,
  // The provisioning log has what became of it; who asked stands in both.
  isUntold: true,
  refusals: {
    "job-not-found": 404,
    "subject-malformed": 400,
    "rule-not-found": 404,
    "too-many-requests": 429,
    "job-stopped": 409,
    "schema-not-in-effect": 409,
    "no-active-agent": 409,
    "agent-failed": 409,
    "changed-meanwhile": 409,
    "domain-changed": 409,
    "directory-server-not-proven": 409,
    "object-not-found": 404,
    "object-ambiguous": 409,
    "object-deleted": 404,
    "object-not-provisioned": 409,
    "object-type-mismatch": 409,
    "member-refused": 409,
    "provisioning-failed": 409,
    "provisioning-timeout": 408,
    // Of a dry run; else the job itself waits for the target, or goes into quarantine.
    ...TARGET_REFUSALS,
  },
});
