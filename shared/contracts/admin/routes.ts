/**
 * Where each resource of the admin API is: below `/api`. Bearer tokens with role `Synchronization.Read.All` or
 * `Synchronization.ReadWrite.All`. What Graph's synchronization API has a path for has it here; everything else lies below `uplink`.
 * What is sent and answered stands beside it, in one file for each resource.
 */
export const ADMIN_ROUTES = {
  configurations: "v1.0/uplink/configurations",
  tokens: "v1.0/uplink/configurations/{configurationId}/enrolmentTokens",
  agents: "v1.0/uplink/configurations/{configurationId}/agents",
  jobStatus: "v1.0/uplink/jobs/{jobId}/status",
  jobMode: "v1.0/uplink/jobs/{jobId}/mode",
  reevaluate: "v1.0/uplink/jobs/{jobId}/reevaluate",
  jobScope: "v1.0/uplink/jobs/{jobId}/scope",
  jobLifecycle: "v1.0/uplink/jobs/{jobId}/lifecycle",
  clearQuarantine: "v1.0/uplink/jobs/{jobId}/clearQuarantine",
  cycles: "v1.0/uplink/jobs/{jobId}/cycles",
  days: "v1.0/uplink/jobs/{jobId}/days",
  escrows: "v1.0/uplink/jobs/{jobId}/escrows",
  escrowRetry: "v1.0/uplink/jobs/{jobId}/escrows/retry",
  staged: "v1.0/uplink/jobs/{jobId}/staged",
  stagedDecision:
    "v1.0/uplink/jobs/{jobId}/staged/{class:regex(^(deletes|disables|blanks|names|memberships)$)}/{action:regex(^(approve|drop)$)}",
  /** With names, and each membership; by `$top`, and from page to page by `@odata.nextLink`. */
  stagedObjects:
    "v1.0/uplink/jobs/{jobId}/staged/{class:regex(^(deletes|disables|blanks|names|memberships)$)}/{digest}/objects",
  whatIf: "v1.0/uplink/jobs/{jobId}/whatIf",
  whatIfs: "v1.0/uplink/jobs/{jobId}/whatIfs",
  oneWhatIf: "v1.0/uplink/jobs/{jobId}/whatIfs/{id}",
  whatIfApproval: "v1.0/uplink/jobs/{jobId}/whatIf/approve",
  reconcile: "v1.0/uplink/jobs/{jobId}/reconcile",
  reconciles: "v1.0/uplink/jobs/{jobId}/reconciles",
  reconcileOne: "v1.0/uplink/jobs/{jobId}/reconciles/{reconcileId}",
  /** By `$top`, and from page to page by `@odata.nextLink`. */
  reconcileFindings: "v1.0/uplink/jobs/{jobId}/reconciles/{reconcileId}/findings",
  link: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}",
  linkAction: "v1.0/uplink/jobs/{jobId}/links/{objectGuid}/{action:regex(^(join|move|unlink)$)}",
  rebuildLinks: "v1.0/uplink/jobs/{jobId}/rebuildLinks",
  exclusions: "v1.0/uplink/exclusions",
  exclusion: "v1.0/uplink/exclusions/{guid}",
  /** As in Graph. `?version=` gives an older one, `?expectedVersion=` refuses to replace another than that. */
  schema: "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/schema",
  schemaVersions: "v1.0/uplink/jobs/{jobId}/schemaVersions",
  schemaDiff: "v1.0/uplink/jobs/{jobId}/schemaDiff",
  jobAction:
    "v1.0/servicePrincipals/{configurationId}/synchronization/jobs/{jobId}/{action:regex(^(start|pause|restart)$)}",
  provisioningLog: "v1.0/auditLogs/provisioning",
} as const;
