import { describe, expect, it } from "vitest";
import { readConfig } from "../shared/config.ts";
import { DEFAULT_QUARANTINE } from "./support/cloud.ts";

const ENVIRONMENT = {
  UPLINK_PUBLIC_URL: "https://uplink.example",
  UPLINK_DATA_ACCOUNT: "data",
  ServiceBusConnection__fullyQualifiedNamespace: "bus.example",
  UPLINK_TARGET_TENANT_ID: "tenant",
  UPLINK_TARGET_CLIENT_ID: "client",
};

describe("who speaks to the target", () => {
  const credentialOf = (more: Readonly<Record<string, string>>) =>
    readConfig({ ...ENVIRONMENT, ...more }).target.credential;
  const PEM =
    "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----";

  it("is the managed identity's federation, where it isn't the application itself", () => {
    expect(credentialOf({})).toEqual({ kind: "managed-identity" });
    expect(credentialOf({ UPLINK_IDENTITY_CLIENT_ID: "client" })).toEqual({ kind: "managed-identity" });
    expect(credentialOf({ UPLINK_IDENTITY_CLIENT_ID: "identity" })).toEqual({
      kind: "federated",
      audience: "api://AzureADTokenExchange",
    });
    expect(readConfig({ ...ENVIRONMENT, UPLINK_IDENTITY_CLIENT_ID: "identity" }).identityClientId).toBe("identity");
  });

  it("is a certificate or a secret, where there is one, and never two of them", () => {
    const identity = { UPLINK_IDENTITY_CLIENT_ID: "identity" };
    expect(credentialOf({ ...identity, UPLINK_TARGET_CERTIFICATE: PEM })).toEqual({
      kind: "certificate",
      certificate: { pem: PEM },
    });
    expect(credentialOf({ ...identity, UPLINK_TARGET_CLIENT_SECRET: "s" })).toEqual({ kind: "secret", secret: "s" });
    const both = { UPLINK_TARGET_CERTIFICATE: PEM, UPLINK_TARGET_CERTIFICATE_FILE: "/c.pem" };
    expect(() => credentialOf(both)).toThrow(
      /UPLINK_TARGET_CERTIFICATE_FILE and UPLINK_TARGET_CERTIFICATE are set at the same time/,
    );
  });
});

it("puts jobs in quarantine by the documented numbers, unless told others", () => {
  expect(readConfig(ENVIRONMENT).quarantine).toEqual(DEFAULT_QUARANTINE);
  const more = { UPLINK_QUARANTINE_RETRY_HOURS: "1,2", UPLINK_QUARANTINE_PERCENT: "5" };
  expect(readConfig({ ...ENVIRONMENT, ...more }).quarantine).toMatchObject({ retryHours: [1, 2], percent: 5 });
  for (const hours of ["6, 12", "0", "6;12", "now"])
    expect(() => readConfig({ ...ENVIRONMENT, UPLINK_QUARANTINE_RETRY_HOURS: hours })).toThrow(/RETRY_HOURS/);
});
