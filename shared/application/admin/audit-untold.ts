/**
 * What may be told of a body that the audit log doesn't tell (`Operation.isUntold`): which keys of secrets were sent, and which object was
 * asked for on demand. That one is named by objectGUID alone; by whatever else it was asked, that would be the name of a person.
 */
import { type ProvisionOnDemandRequest, provisionOnDemand } from "../../contracts/admin/provision-on-demand.ts";
import { putSecrets, type SecretsRequest } from "../../contracts/admin/secrets.ts";
import { objectNameOf } from "../on-demand/object-name.ts";

const WORDS = { dn: "by distinguished name", upn: "by user principal name" } as const;

/** `body`: as parsed by the operation of that id. */
export function toldOfUntold(
  operation: string,
  body: unknown,
): readonly { readonly key: string; readonly value: string }[] {
  if (operation === putSecrets.id) {
    const keys = (body as SecretsRequest).value.map(({ key }) => key);
    return [{ key: "request.keys", value: keys.sort().join(", ") }];
  }
  if (operation !== provisionOnDemand.id) return [];
  const { dryRun, parameters } = body as ProvisionOnDemandRequest;
  const subjects = parameters.flatMap((own) => own.subjects);
  const members = subjects.flatMap((own) => own.links?.members ?? []);
  const told = (own: readonly { readonly objectId: string }[]) =>
    own.map(({ objectId }) => shownName(objectId)).join(", ");
  return [
    { key: "request.dryRun", value: String(dryRun) },
    { key: "request.object", value: told(subjects) },
    ...(members.length > 0 ? [{ key: "request.members", value: told(members) }] : []),
  ];
}

function shownName(objectId: string): string {
  const name = objectNameOf(objectId);
  if (name === undefined) return "by what is none of the three";
  return name.by === "guid" ? name.value : WORDS[name.by];
}
