import { describe, expect, it } from "vitest";
import { settleSuffix } from "../../shared/domain/user-principal-name.ts";

const target = { initialDomain: "demo.onmicrosoft.com", verifiedDomains: ["demo.onmicrosoft.com", "corp.example"] };

describe("the suffix of a user principal name", () => {
  it.each<[string, "replace" | "escrow", unknown]>([
    ["ann@corp.example", "replace", { kind: "kept", userPrincipalName: "ann@corp.example" }],
    ["ann@CORP.example", "escrow", { kind: "kept", userPrincipalName: "ann@CORP.example" }],
    [
      "ann@corp.local",
      "replace",
      { kind: "replaced", userPrincipalName: "ann@demo.onmicrosoft.com", suffix: "corp.local" },
    ],
    ["ann@corp.local", "escrow", { kind: "refused", suffix: "corp.local" }],
    [
      "a@b@corp.local",
      "replace",
      { kind: "replaced", userPrincipalName: "a@b@demo.onmicrosoft.com", suffix: "corp.local" },
    ],
    ["ann", "replace", { kind: "replaced", userPrincipalName: "ann@demo.onmicrosoft.com", suffix: "" }],
    ["ann", "escrow", { kind: "refused", suffix: "" }],
    ["ann@sub.corp.example", "escrow", { kind: "refused", suffix: "sub.corp.example" }],
  ])("%s (%s)", (upn, policy, verdict) => {
    expect(settleSuffix(upn, target, policy)).toEqual(verdict);
  });
});
