import type { TargetValue, TargetValues } from "../../../shared/domain/target-value.ts";
import { connect } from "../../adapters/graph/support.ts";
import { startTestDirectory } from "../../local/directory/support.ts";
import { describeTargetDirectory } from "./target-directory-contract.ts";

/** What the stand-in keeps beside what was written. */
const OWN = new Set(["createdDateTime", "userType", "proxyAddresses", "onPremisesSyncEnabled"]);

describeTargetDirectory("Graph", async () => {
  const directory = await startTestDirectory();
  const rig = connect(directory);
  return {
    target: rig.target,
    forgottenPage: `${directory.graphUrl}/users?$top=999&$skiptoken=b2xk`,
    seed(values, { type = "user", synchronized, privileged, deleted = false, members = [] } = {}) {
      const roles = privileged && type === "user" ? ["Helpdesk Administrator"] : [];
      const properties = {
        ...values,
        ...(synchronized ? { onPremisesSyncEnabled: true } : {}),
        ...(privileged && type === "group" ? { isAssignableToRole: true } : {}),
      };
      return directory.control.seed([{ kind: type, properties, roles, deleted, members: [...members] }])[0]!;
    },
    values(id) {
      const found = [...directory.control.list()].find((object) => object.id === id);
      const manager = found?.manager === undefined ? {} : { manager: found.manager };
      return found && { ...withoutEmpty(found.properties), ...manager };
    },
    async close() {
      rig.close();
      await directory.close();
    },
  };
});

function withoutEmpty(properties: Record<string, unknown>): TargetValues {
  const kept: Record<string, TargetValue> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (OWN.has(name) || value === null || (Array.isArray(value) && value.length === 0)) continue;
    if (typeof value !== "object" || Array.isArray(value)) kept[name] = value as TargetValue;
    else kept[name] = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
  }
  return kept;
}
