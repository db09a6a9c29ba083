/** Every route of the admin API, in one list: for the composition root, and for tests that ask each of them. */
import type { createAdminUseCases } from "./admin-use-cases.ts";
import { agentRoutes } from "./agents.http.ts";
import { auditRoute } from "./audit.http.ts";
import { backupRoutes } from "./backups.http.ts";
import { configurationRoutes } from "./configurations.http.ts";
import { enrolmentTokenRoutes } from "./enrolment-tokens.http.ts";
import { exclusionRoutes } from "./exclusions.http.ts";
import { serviceHealthRoute } from "./health.http.ts";
import { heldExportsRoutes } from "./held-exports.http.ts";
import type { Route } from "./http-route.ts";
import { jobSettingsRoutes } from "./job-settings.http.ts";
import { jobRoutes } from "./jobs.http.ts";
import { lifecycleRoutes } from "./lifecycle.http.ts";
import { linkRoutes } from "./links.http.ts";
import { provisionOnDemandRoute } from "./provision-on-demand.http.ts";
import { provisioningLogRoute } from "./provisioning-log.http.ts";
import { reconcileRoutes } from "./reconcile.http.ts";
import { schemaRoutes } from "./schemas.http.ts";
import { secretRoutes } from "./secrets.http.ts";
import { stagedRoutes } from "./staged.http.ts";
import { synchronizationRoutes } from "./synchronization.http.ts";
import { targetObjectsRoute } from "./target-objects.http.ts";
import { whatIfRoutes } from "./what-if.http.ts";

export function adminRoutes(own: ReturnType<typeof createAdminUseCases>): Route[] {
  return [
    ...configurationRoutes(own.configurations),
    ...enrolmentTokenRoutes(own),
    ...synchronizationRoutes(own),
    ...agentRoutes(own),
    ...jobRoutes(own),
    provisionOnDemandRoute(own.provisionOnDemand),
    ...heldExportsRoutes(own),
    ...jobSettingsRoutes(own.jobSettings),
    ...lifecycleRoutes(own.lifecycles),
    ...schemaRoutes(own),
    ...secretRoutes(own.secrets),
    ...linkRoutes(own.links),
    targetObjectsRoute(own.findTargetObjects),
    ...backupRoutes(own),
    ...stagedRoutes(own),
    ...whatIfRoutes(own.whatIfs),
    ...reconcileRoutes(own.reconciles),
    ...exclusionRoutes(own.exclusions),
    provisioningLogRoute(own.queries),
    auditRoute(own.audit),
    serviceHealthRoute(own.tellHealth),
  ];
}
