/**
 * Configuration as code: what a file may say of one configuration with its job, and what one may say of exclusions. The words are
 * the admin API's. What a file leaves out is not its business and stays as it is.
 *
 * Editors check files by JSON Schemas that are written from here (`docs/schemas/`).
 */
import { z } from "zod";
import { JobSettingsChange } from "./admin/job-settings.ts";
import { Guid } from "./change.ts";
import { CreateConfigurationRequest } from "./configuration.ts";

const { displayName: _, ...changeable } = JobSettingsChange.shape;

export const SettingsInFile = z.strictObject({
  scope: changeable.scope.describe(
    "What the agent may send at all: objects below one of the units and in one of the groups, by objectGUID. An empty list: no limit.",
  ),
  trustVisibility: changeable.trustVisibility.describe(
    "True: whoever applies this vouches that the agent's account sees everything, so that absences count.",
  ),
  lifecycle: changeable.lifecycle.describe("What becomes of people and groups who end."),
  guard: changeable.guard.describe(
    "The bounds of removals and changed names over a read and 24 hours: 'floor' is always let pass, above it 'count' and 'percent' hold.",
  ),
  suffixPolicy: changeable.suffixPolicy.describe(
    "What becomes of a user principal name whose suffix the target has not verified.",
  ),
  signIn: changeable.signIn.describe("How people sign in on day 1. A new job needs it."),
  defaultUsageLocation: changeable.defaultUsageLocation.describe(
    "Two-letter country for new users without one; null: none.",
  ),
  redact: changeable.redact.describe("Properties and attributes whose values no log shows."),
  mode: z.enum(["normal", "staging"]).optional().describe("staging: everything but exports."),
  firstExport: z
    .enum(["approval", "automatic"])
    .optional()
    .describe("Whether a new job exports before an admin approved what it would. Said once, when the job is made."),
  fullSync: changeable.fullSync.describe(
    "When everything is read again: a cron expression of five fields, in an IANA time zone.",
  ),
});
export type SettingsInFile = z.infer<typeof SettingsInFile>;

const REFERENCE_ONLY =
  "a secret is named here, never written: { env: NAME } or { file: ../PATH }. If a value stood here, take it out of the file's history, too, and replace it where it is from.";

/** Where a secret is found when it is set. A value is refused, and never said again. */
const SecretReference = z.union(
  [
    z.strictObject({
      env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, REFERENCE_ONLY)
        .describe("The name of an environment variable of whoever applies this."),
    }),
    z.strictObject({
      file: z.string().min(1).max(1024).describe("A file outside of this folder, seen from this one."),
    }),
  ],
  REFERENCE_ONLY,
);

export const SecretsInFile = z
  .strictObject({ Domain: SecretReference, AppKey: SecretReference, SyncNotificationSettings: SecretReference })
  .partial();
export type SecretsInFile = z.infer<typeof SecretsInFile>;

const SchemaReference = z.string().optional().describe("Of the JSON Schema, for editors.");

export const ConfigurationFile = z.strictObject({
  $schema: SchemaReference,
  domainFqdn: CreateConfigurationRequest.shape.domainFqdn.describe(
    "The AD domain's DNS name. It says which configuration is meant.",
  ),
  domainNetBios: CreateConfigurationRequest.shape.domainNetBios.describe("The domain's NetBIOS name."),
  displayName: CreateConfigurationRequest.shape.displayName.describe("What people call the configuration and its job."),
  schema: z
    .string()
    .min(1)
    .optional()
    .describe("The file with the synchronization schema in Microsoft Graph's form, seen from this one."),
  settings: SettingsInFile.default({}),
  secrets: SecretsInFile.optional().describe(
    "The configuration's secrets, each by reference: set where the service has none, and by --set-secrets.",
  ),
});
export type ConfigurationFile = z.infer<typeof ConfigurationFile>;

export const ExclusionsFile = z.strictObject({
  $schema: SchemaReference,
  prune: z
    .boolean()
    .default(false)
    .describe("True: what is on the service's list and not in this one is taken off it. Else it stays."),
  exclusions: z
    .array(
      z.strictObject({
        guid: Guid.describe("The objectGUID of a source object or the id of a target object."),
        reason: z.string().trim().min(1).max(500),
      }),
    )
    .describe("Objects that are never touched."),
});
export type ExclusionsFile = z.infer<typeof ExclusionsFile>;

/** The JSON Schemas by their names, for editors. */
export function fileSchemas(): Readonly<Record<"configuration" | "exclusions", Readonly<Record<string, unknown>>>> {
  const of = (title: string, schema: z.ZodType) => {
    const { $schema, ...shape } = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
    return { $schema, title, ...shape };
  };
  return {
    configuration: of("A configuration of Directory Uplink", ConfigurationFile),
    exclusions: of("What Directory Uplink never touches", ExclusionsFile),
  };
}
