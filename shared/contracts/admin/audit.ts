/**
 * The audit log: who changed what, as Graph's `directoryAudit`. Every operation that changes something leaves an entry; a request that
 * was refused changed nothing and leaves none.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf, SkipToken, Top } from "./paging.ts";

const Text = z.string().nullable();

export const DirectoryAuditReply = z.strictObject({
  id: z.string(),
  activityDateTime: z.string(),
  /** The operation's summary. */
  activityDisplayName: z.string(),
  category: z.literal("ProvisioningManagement"),
  /** The `request-id` of its answer. */
  correlationId: Text,
  initiatedBy: z.strictObject({
    app: z
      .strictObject({ appId: Text, displayName: Text, servicePrincipalId: z.string(), servicePrincipalName: Text })
      .nullable(),
    user: z.strictObject({ id: z.string(), displayName: Text, ipAddress: Text, userPrincipalName: Text }).nullable(),
  }),
  loggedByService: z.literal("Directory Uplink"),
  /** The operation's name, as in the OpenAPI document. */
  operationType: z.string(),
  result: z.enum(["success", "failure"]),
  resultReason: Text,
  targetResources: z.array(
    z.strictObject({
      id: Text,
      displayName: Text,
      /** `Job`, `Configuration`, `Agent`, `Link`, `Exclusion`. */
      type: z.string(),
      groupType: z.null(),
      userPrincipalName: z.null(),
      /** What is another value now; values as JSON texts. */
      modifiedProperties: z.array(z.strictObject({ displayName: z.string(), oldValue: Text, newValue: Text })),
    }),
  ),
  /** What was asked (`request.…`) and answered (`answer.…`). */
  additionalDetails: z.array(z.strictObject({ key: z.string(), value: z.string() })),
});
export type DirectoryAuditReply = z.infer<typeof DirectoryAuditReply>;

export const listDirectoryAudits = operation({
  id: "ListDirectoryAudits",
  method: "GET",
  path: "v1.0/auditLogs/directoryAudits",
  guard: "admin-read",
  summary: "Who changed what, newest first.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipToken }),
  reply: listOf(DirectoryAuditReply),
  refusals: { "invalid-skiptoken": 400 },
});
