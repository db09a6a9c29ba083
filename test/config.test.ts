import { expect, it } from "vitest";
import { readConfig } from "../shared/config.ts";
import { DEFAULT_QUARANTINE } from "./support/cloud.ts";

const ENVIRONMENT = {
  UPLINK_PUBLIC_URL: "https://uplink.example",
  UPLINK_DATA_ACCOUNT: "data",
  ServiceBusConnection__fullyQualifiedNamespace: "bus.example",
  UPLINK_TARGET_TENANT_ID: "tenant",
  UPLINK_TARGET_CLIENT_ID: "client",
};

it("puts jobs in quarantine by the documented numbers, unless told others", () => {
  expect(readConfig(ENVIRONMENT).quarantine).toEqual(DEFAULT_QUARANTINE);
  const more = { UPLINK_QUARANTINE_RETRY_HOURS: "1,2", UPLINK_QUARANTINE_PERCENT: "5" };
  expect(readConfig({ ...ENVIRONMENT, ...more }).quarantine).toMatchObject({ retryHours: [1, 2], percent: 5 });
  for (const hours of ["6, 12", "0", "6;12", "now"])
    expect(() => readConfig({ ...ENVIRONMENT, UPLINK_QUARANTINE_RETRY_HOURS: hours })).toThrow(/RETRY_HOURS/);
});
