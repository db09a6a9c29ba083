import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  firstText,
  guidFromBytes,
  guidToBytes,
  immutableIdOfGuid,
  isAtOrBelow,
  isGuid,
  sameDn,
  sameUpn,
  sidFromBytes,
  splitDn,
  utf8Bytes,
  valueBytes,
} from "../../shared/domain/values.ts";

describe("GUIDs and SIDs", () => {
  it("reads Active Directory's order of bytes", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
    expect(guidFromBytes(bytes)).toBe("03020100-0504-0706-0809-0a0b0c0d0e0f");
    expect(immutableIdOfGuid("03020100-0504-0706-0809-0a0b0c0d0e0f")).toBe(Buffer.from(bytes).toString("base64"));
  });

  it("goes there and back (law)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const guid = guidFromBytes(bytes);
        expect(isGuid(guid)).toBe(true);
        expect(guidToBytes(guid)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  it.each(["", "{03020100-0504-0706-0809-0a0b0c0d0e0f}", "03020100-0504-0706-0809-0A0B0C0D0E0F", "0302010005040706"])(
    "refuses '%s'",
    (text) => {
      expect(isGuid(text)).toBe(false);
      expect(() => guidToBytes(text)).toThrow(RangeError);
    },
  );

  it("reads a SID, and refuses what is none", () => {
    const bytes = Uint8Array.from([1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]);
    expect(sidFromBytes(bytes)).toBe("S-1-5-32-544");
    expect(() => sidFromBytes(bytes.subarray(0, 12))).toThrow(RangeError);
    expect(() => sidFromBytes(new Uint8Array(0))).toThrow(RangeError);
    expect(sidFromBytes(Uint8Array.from([1, 1, 0, 0, 0, 0, 0, 5, 255, 255, 255, 255]))).toBe("S-1-5-4294967295");
  });

  it("gives the bytes of texts as the platform does (law)", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Bytes(text)).toEqual(Uint8Array.from(Buffer.from(text, "utf8")));
        expect(valueBytes({ base64: Buffer.from(text).toString("base64") })).toEqual(utf8Bytes(text));
      }),
    );
  });
});

describe("names", () => {
  it.each<[string, string, boolean]>([
    ["CN=Ann,DC=x", "cn=ann,dc=X", true],
    ["CN=Ann, DC=x", "CN=Ann,DC=x", true],
    ["CN=a\\=b,DC=x", "CN=a\\3Db,DC=x", true],
    ["CN=a\\=b,DC=x", "CN=a\\3db,DC=x", true],
    ["CN=a=b,DC=x", "CN=a\\3Db,DC=x", true],
    ["CN=Doe\\, Ann,DC=x", "CN=Doe\\2C Ann,DC=x", true],
    ["CN=Doe\\, Ann,DC=x", "CN=Doe,CN=Ann,DC=x", false],
    ["CN=J\\C3\\BCrg,DC=x", "CN=Jürg,DC=x", true],
    ["CN=a\\\\b,DC=x", "CN=a\\5Cb,DC=x", true],
    ["CN=\\ a,DC=x", "CN=a,DC=x", false],
    ["CN=a\\ ,DC=x", "CN=a\\20,DC=x", true],
    [
      "CN=a\\0ADEL:03020100-0504-0706-0809-0a0b0c0d0e0f,DC=x",
      "CN=a\\0aDEL:03020100-0504-0706-0809-0a0b0c0d0e0f,DC=x",
      true,
    ],
    ["CN=a,DC=x", "CN=a,DC=y", false],
    ["", "", true],
  ])("'%s' and '%s': %s", (left, right, same) => {
    expect(sameDn(left, right)).toBe(same);
    expect(sameDn(right, left)).toBe(same);
  });

  it("splits at separators that are not escaped", () => {
    expect(splitDn("CN=Doe\\, Ann,OU=a\\\\,DC=x")).toEqual(["CN=Doe\\, Ann", "OU=a\\\\", "DC=x"]);
    expect(splitDn(" ")).toEqual([]);
  });

  it.each<[string, string, boolean]>([
    ["CN=a,OU=b,DC=x", "OU=B,DC=X", true],
    ["OU=b,DC=x", "OU=b,DC=x", true],
    ["CN=a,OU=bb,DC=x", "OU=b,DC=x", false],
    ["CN=a\\,OU=b,DC=x", "OU=b,DC=x", false],
    ["OU=b,DC=x", "CN=a,OU=b,DC=x", false],
  ])("'%s' is at or below '%s': %s", (dn, ancestor, below) => {
    expect(isAtOrBelow(dn, ancestor)).toBe(below);
  });

  it("escapes by hex or by backslash are one name (law)", () => {
    const special = fc.constantFrom(",", "=", "+", "<", ">", "#", ";", '"', "\\");
    fc.assert(
      fc.property(
        fc.array(fc.oneof(special, fc.constantFrom("a", "B", "ü")), { minLength: 1, maxLength: 8 }),
        (characters) => {
          const byBackslash = characters.map((own) => (/[a-zA-Zü]/.test(own) ? own : `\\${own}`)).join("");
          const byHex = characters
            .map((own) => [...Buffer.from(own)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join(""))
            .join("");
          expect(sameDn(`CN=${byBackslash},DC=x`, `CN=${byHex},DC=x`)).toBe(true);
        },
      ),
    );
  });

  it("compares user principal names without regard to case", () => {
    expect(sameUpn("Ann@Corp.example", "ann@corp.EXAMPLE")).toBe(true);
    expect(sameUpn("ann@corp.example", "anna@corp.example")).toBe(false);
  });

  it("finds no attribute in what every object has", () => {
    expect(firstText({}, "constructor")).toBeUndefined();
    expect(firstText({ a: [{ base64: "AA==" }] }, "a")).toBeUndefined();
  });
});
