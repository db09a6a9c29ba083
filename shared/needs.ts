/**
 * The one table of what the cloud side needs: settings, queues, tables, containers, roles in Azure, permissions in Microsoft Graph, alerts, and
 * the endpoints of the clouds.
 *
 * Adapters and configuration, the local runtime, the README and the infrastructure all come from it: Bicep by the generated
 * `infra/needs.json`, the app registrations by the same file. It holds no secret and no name of a deployment.
 */
import { alertQuery } from "./needs/alert-queries.ts";
import { ALERTS } from "./needs/alerts.ts";
import { TARGET_CLOUDS } from "./needs/clouds.ts";
import { ADMIN_APPLICATION, CLIENT_APPLICATION, GRAPH_APP_ID, GRAPH_PERMISSIONS } from "./needs/graph-permissions.ts";
import { HOST_SETTINGS, type HostSetting } from "./needs/host-settings.ts";
import { ROLES } from "./needs/roles.ts";
import { CONTAINERS, MONTHLY_TABLES, QUEUES, TABLES } from "./needs/stores.ts";
import { SETTINGS, type Setting } from "./settings.ts";

/** Of Durable: `host.json` names it, and the Durable Task Scheduler has to have it. */
export const TASK_HUB = "UplinkHub";

export const NEEDS = {
  settings: SETTINGS as readonly Setting[],
  hostSettings: HOST_SETTINGS,
  queues: Object.values(QUEUES),
  tables: TABLES,
  monthlyTables: MONTHLY_TABLES,
  containers: Object.values(CONTAINERS),
  roles: ROLES,
  graphAppId: GRAPH_APP_ID,
  graphPermissions: GRAPH_PERMISSIONS,
  adminApplication: ADMIN_APPLICATION,
  clientApplication: CLIENT_APPLICATION,
  alerts: ALERTS,
  targetClouds: TARGET_CLOUDS,
  taskHub: TASK_HUB,
} as const;

/** `infra/needs.json`, which Bicep loops over: the whole table, with settings as the infrastructure sets them. */
export function needsForInfrastructure(): string {
  const settings = [...NEEDS.settings, ...NEEDS.hostSettings].flatMap((setting: Setting | HostSetting) => {
    const { name, meaning, azure } = setting;
    if (azure.from === "default" || azure.from === "local-only") return [];
    const backend = "backend" in setting && setting.backend !== undefined ? setting.backend : "any";
    return [{ name, meaning, from: azure.from, value: azure.value, backend }];
  });
  const { hostSettings: _, ...rest } = NEEDS;
  const roles = NEEDS.roles.map((role) => ({ ...role, backend: role.backend ?? "any" }));
  // A threshold stands in the query, where there is one: Bicep knows whole numbers only.
  const alerts = NEEDS.alerts.map((alert) => {
    const { above, ...told } = alert;
    const query = alertQuery(alert);
    return query === undefined ? { ...told, above } : { ...told, query };
  });
  return `${JSON.stringify({ ...rest, settings, roles, alerts }, null, 2)}\n`;
}
