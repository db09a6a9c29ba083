/** Secrets and credentials: a store that is away or missing, values that no key takes, a target that refuses or doesn't answer. */
import { expect } from "vitest";
import { createMemorySecretStore } from "../../../shared/adapters/memory/secret-store.ts";
import { SecretsUnavailable } from "../../../shared/ports/secret-store.ts";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";
import { type ContractRecord, openScene } from "../../support/contract-record.ts";

export async function playSecrets(record: ContractRecord): Promise<void> {
  const kept = createMemorySecretStore();
  let isAway = false;
  const away = () => Promise.reject(new SecretsUnavailable("The vault is away.", "Wait."));
  const { codeOf, close } = await openScene(record, {
    secrets: {
      get: (name) => (isAway ? away() : kept.get(name)),
      set: (name, value) => (isAway ? away() : kept.set(name, value)),
    },
    probeTarget: async (appKey) => {
      if (appKey === "wrong") throw new TargetUnavailable("target-credentials", "It is no secret.", "Check it.", 0);
      if (appKey === "weak") throw new TargetUnavailable("target-refused", "It may not.", "Consent.", 0);
      if (appKey === "far") throw new TargetUnavailable("target-unreachable", "Nobody answers.", "Wait.", 0);
    },
  });
  const tried = (value: string, key = "AppKey") =>
    codeOf("ValidateCredentials", { body: { credentials: [{ key, value }] } });
  expect(await codeOf("PutSecrets")).toBe(204);
  expect(await codeOf("ListSecrets")).toBe(200);
  expect(await codeOf("ValidateCredentials")).toBe(204);
  expect(await codeOf("PutSecrets", { body: { value: [{ key: "Domain", value: "none" }] } })).toBe("secret-invalid");
  expect(await tried("none", "Domain")).toBe("secret-invalid");
  expect(await tried("wrong")).toBe("target-credentials");
  expect(await tried("weak")).toBe("target-refused");
  expect(await tried("far")).toBe("target-unreachable");
  const all = ["PutSecrets", "ListSecrets", "ValidateCredentials"];
  isAway = true;
  for (const id of all) expect(await codeOf(id), id).toBe("secrets-unreachable");
  await close();
  const without = await openScene(record);
  for (const id of all) expect(await without.codeOf(id), id).toBe("secrets-not-configured");
  await without.close();
}
