import { describe, expect, it } from "vitest";
import {
  isPasswordName,
  NOTHING_REDACTED,
  REDACTED,
  redactText,
  redactTold,
  redactValues,
  secretsOf,
} from "../../shared/domain/redaction.ts";

describe("redacted values", () => {
  it("are replaced as a whole, in lists and in nested properties, and nothing else is", () => {
    const values = {
      employeeId: "4711",
      businessPhones: ["+49 1", "+49 2"],
      city: "Berlin",
      accountEnabled: true,
      jobTitle: null,
      onPremisesExtensionAttributes: {
        extensionAttribute1: "one",
        extensionAttribute2: "two",
        extensionAttribute3: null,
      },
    };
    const properties = [
      "EMPLOYEEID",
      "businessPhones",
      "jobTitle",
      "onPremisesExtensionAttributes.extensionAttribute1",
      "onPremisesExtensionAttributes.extensionAttribute3",
    ];
    expect(redactValues(values, properties)).toEqual({
      employeeId: REDACTED,
      businessPhones: [REDACTED, REDACTED],
      city: "Berlin",
      accountEnabled: true,
      jobTitle: null,
      onPremisesExtensionAttributes: {
        extensionAttribute1: REDACTED,
        extensionAttribute2: "two",
        extensionAttribute3: null,
      },
    });
    expect(redactValues(values, [])).toBe(values);
  });

  it("are taken out of sentences in any case, cut or quoted; short ones as whole words", () => {
    const long = `${"secret ".repeat(8)}end`;
    const secrets = ["Geheim", "F", 'a "b" c', long];
    expect(redactText("The value 'GEHEIM' of F. For Fred: geheimnis.", secrets)).toBe(
      `The value '${REDACTED}' of ${REDACTED}. For Fred: ${REDACTED}nis.`,
    );
    expect(redactText('says {"text":"a \\"b\\" c"}', secrets)).toBe(`says {"text":"${REDACTED}"}`);
    expect(redactText(`was '${long.slice(0, 40)}…' once`, secrets)).toBe(`was '${REDACTED}' once`);
    expect(redactText("(a+b)* [x]", ["(a+b)*", "[x]"])).toBe(`${REDACTED} ${REDACTED}`);
    const odd = "-^$\\.*+?()[]{}|/# ~!@%&=<>,;:\"'`\u0000\ud83d x".split("").map((one) => `ab${one}cd`);
    for (const secret of odd) expect(redactText(`<<${secret}>>`, [secret])).toBe(`<<${REDACTED}>>`);
  });

  it("are those of the image and of the target, by the names that are redacted", () => {
    const redaction = { properties: ["employeeId", "a.b"], attributes: ["EmployeeNumber"] };
    const image = { employeenumber: ["12", { base64: "AQI=" }], cn: ["Ann"] };
    expect(
      secretsOf(redaction, image, { employeeId: "E12", a: { b: "x", c: "y" } }, { city: "Berlin" }).sort(),
    ).toEqual(["12", "AQI=", "E12", "x"].sort());
    expect(secretsOf(NOTHING_REDACTED, image, { employeeId: "E12" })).toEqual([]);
  });

  it("leave no word of a sentence that is about them", () => {
    const told = { code: "IdentityDataValidationFailed", message: "Invalid value 4-7-1-1", properties: ["employeeId"] };
    expect(redactTold(told, ["employeeId"], ["4711"]).message).toBe(
      "About employeeId: what was said may hold the value, which is redacted.",
    );
    expect(redactTold(told, ["city"], ["4711"])).toBe(told);
  });

  it("are always those of passwords, and not what only sounds like one", () => {
    for (const name of ["password", "unicodePwd", "userPassword", "ms-Mcs-AdmPwd", "clientSecret", "CredentialData"])
      expect(isPasswordName(name), name).toBe(true);
    for (const name of ["pwdLastSet", "badPwdCount", "LastPasswordChangeTimestamp", "passwordPolicies", "displayName"])
      expect(isPasswordName(name), name).toBe(false);
  });
});
