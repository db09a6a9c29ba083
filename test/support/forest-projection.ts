/**
 * What the target must hold of a made-up forest: the projection of the tests against a real directory, asked of the forest's entries in
 * place of a server.
 */
import type { Client } from "ldapts";
import { type ForestPlan, forestEntries } from "../../local/samples/forest.ts";
import { guidToBytes } from "../../shared/domain/values.ts";
import { type Projection, projectDirectory } from "./samba/projection.ts";

const GUIDS = ["objectGUID", "mS-DS-ConsistencyGuid"];

/** As ldapts hands over what a directory answers: one value alone, several as a list. */
function answers(plan: ForestPlan): Pick<Client, "search"> {
  const found = forestEntries(plan).filter(({ attributes: { objectClass = [] } }) =>
    objectClass.includes("group") ? true : objectClass.includes("user") && !objectClass.includes("computer"),
  );
  const searchEntries = found.map(({ dn, attributes }) => ({
    dn,
    ...Object.fromEntries(
      Object.entries(attributes)
        // A SID is looked at only to find who a foreign security principal is, and there are none.
        .filter(([name]) => name !== "objectSid")
        .map(([name, value]) => [
          name,
          [value].flat().map((one) => (GUIDS.includes(name) ? Buffer.from(guidToBytes(one)) : Buffer.from(one))),
        ]),
    ),
  }));
  return { search: async () => ({ searchEntries, searchReferences: [] }) };
}

export function projectForest(
  plan: ForestPlan,
  rules: { readonly configurationId: string; readonly initialDomain: string },
): Promise<Projection> {
  return projectDirectory(answers(plan) as Client, {
    ...{ ...rules, baseDn: "", hiddenUnit: "OU=Nowhere", domainFqdn: plan.fqdn, verifiedSuffixes: [plan.fqdn] },
  });
}
