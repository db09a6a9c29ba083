/**
 * Secrets of a configuration and the check of credentials, in Graph's shapes. Secrets are written, never answered: a list names the keys
 * that there are.
 */
import { z } from "zod";
import { graphBody } from "../graph-body.ts";
import { operation } from "../operation.ts";
import { listOf, ShortPage } from "./paging.ts";

/** `AppKey`: the target application's secret. The others are settings that Graph keeps here. */
export const SECRET_KEYS = ["Domain", "AppKey", "SyncNotificationSettings"] as const;
export type SecretKey = (typeof SECRET_KEYS)[number];

const Secret = graphBody({ key: z.enum(SECRET_KEYS), value: z.string().min(1).max(10_000) });

export const SecretsRequest = graphBody({
  value: z
    .array(Secret)
    .max(SECRET_KEYS.length)
    .refine((own) => new Set(own.map(({ key }) => key)).size === own.length, "names a key twice"),
});
export type SecretsRequest = z.infer<typeof SecretsRequest>;

export const SecretReply = z.strictObject({ key: z.enum(SECRET_KEYS), value: z.null() });
export type SecretReply = z.infer<typeof SecretReply>;

/** As in Graph. Without credentials, and with `useSavedCredentials`, those that are saved; without any, the service's own. */
export const ValidateCredentialsRequest = graphBody({
  applicationIdentifier: z.string().max(256).nullish(),
  templateId: z.string().max(128).nullish(),
  useSavedCredentials: z.boolean().nullish(),
  credentials: z.array(Secret).max(SECRET_KEYS.length).nullish(),
});
export type ValidateCredentialsRequest = z.infer<typeof ValidateCredentialsRequest>;

const SECRETS_PATH = "v1.0/servicePrincipals/{configurationId}/synchronization/secrets";
const STORE = { "secrets-not-configured": 409, "secrets-unreachable": 503 } as const;

export const listSecrets = operation({
  id: "ListSecrets",
  method: "GET",
  path: SECRETS_PATH,
  guard: "admin-read",
  summary: "Which secrets a configuration has; never their values.",
  query: z.strictObject(ShortPage),
  reply: listOf(SecretReply),
  refusals: { "configuration-not-found": 404, ...STORE },
});

export const putSecrets = operation({
  id: "PutSecrets",
  method: "PUT",
  path: SECRETS_PATH,
  guard: "admin-write",
  summary: "Replaces all secrets of a configuration.",
  body: SecretsRequest,
  isUntold: true,
  reply: null,
  refusals: { "configuration-not-found": 404, "secret-invalid": 422, ...STORE },
});

export const validateCredentials = operation({
  id: "ValidateCredentials",
  method: "POST",
  path: "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/validateCredentials",
  guard: "admin-write",
  summary: "Reaches the target with credentials, given or saved, and says what is wrong.",
  body: ValidateCredentialsRequest,
  isBodyOptional: true,
  isUntold: true,
  reply: null,
  refusals: {
    "job-not-found": 404,
    "target-credentials": 400,
    "target-refused": 400,
    "target-unreachable": 503,
    "secret-invalid": 422,
    ...STORE,
  },
});
