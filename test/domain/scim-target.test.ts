import { describe, expect, it } from "vitest";
import {
  parseScimPath,
  SCIM_ENTERPRISE,
  SCIM_GROUP,
  SCIM_TARGETS,
  SCIM_USER,
  scimResource,
} from "../../shared/domain/scim-target.ts";

describe("a path", () => {
  it.each([
    ["userName", { attribute: "userName" }],
    ["name.givenName", { attribute: "name", sub: "givenName" }],
    ['emails[type eq "work"].value', { attribute: "emails", filter: { name: "type", value: "work" }, sub: "value" }],
    [`${SCIM_ENTERPRISE}:department`, { urn: SCIM_ENTERPRISE, attribute: "department" }],
    [`${SCIM_ENTERPRISE}:manager.displayName`, { urn: SCIM_ENTERPRISE, attribute: "manager", sub: "displayName" }],
    [
      'urn:contoso:params:1.0:User:badges[kind eq "a b"].value',
      {
        urn: "urn:contoso:params:1.0:User",
        attribute: "badges",
        filter: { name: "kind", value: "a b" },
        sub: "value",
      },
    ],
  ])("%s is told apart", (path, parts) => {
    expect(parseScimPath(path)).toEqual(parts);
  });

  it.each(["", "name.", ".value", "emails[type eq work].value", "a b", 'emails[type eq "x"y"].value', "a.b.c"])(
    "'%s' is none",
    (path) => {
      expect(parseScimPath(path)).toBeUndefined();
    },
  );

  it("of every attribute that the tables let be set can be told apart", () => {
    const settable = [...SCIM_TARGETS.values()].flatMap(({ table }) =>
      [...table].flatMap(([name, entry]) => ("notSettable" in entry ? [] : [[name, entry.property]])),
    );
    expect(settable.length).toBeGreaterThan(60);
    for (const [name, property] of settable) {
      expect(property).toBe(name);
      expect(parseScimPath(name!), name).toBeDefined();
    }
  });
});

describe("a resource", () => {
  it("is the tree that its paths make up, without what has no value", () => {
    const values = {
      userName: "ada@contoso.com",
      active: true,
      "name.givenName": "Ada",
      "name.familyName": "Lovelace",
      "name.middleName": null,
      'emails[type eq "work"].value': "ada@contoso.com",
      'emails[type eq "other"].value': ["a@x.org", "b@x.org"],
      'addresses[type eq "work"].locality': "London",
      'addresses[type eq "work"].country': "GB",
      'addresses[type eq "home"].locality': "Ockham",
      'roles[primary eq "True"].value': "analyst",
      entitlements: ["engine"],
      ims: [],
      [`${SCIM_ENTERPRISE}:department`]: "Numbers",
      [`${SCIM_ENTERPRISE}:manager`]: "42",
      [`${SCIM_USER}:nickName`]: "Countess",
    };
    expect(scimResource("user", values)).toEqual({
      schemas: [SCIM_USER, SCIM_ENTERPRISE],
      userName: "ada@contoso.com",
      active: true,
      nickName: "Countess",
      name: { givenName: "Ada", familyName: "Lovelace" },
      emails: [
        { primary: true, type: "work", value: "ada@contoso.com" },
        { type: "other", value: "a@x.org" },
        { type: "other", value: "b@x.org" },
      ],
      addresses: [
        { type: "work", locality: "London", country: "GB" },
        { type: "home", locality: "Ockham" },
      ],
      roles: [{ primary: true, value: "analyst" }],
      entitlements: [{ value: "engine" }],
      [SCIM_ENTERPRISE]: { department: "Numbers", manager: { value: "42" } },
    });
  });

  it("names the extensions that it uses, and no other", () => {
    expect(scimResource("user", { userName: "a", [`${SCIM_ENTERPRISE}:department`]: null })["schemas"]).toEqual([
      SCIM_USER,
    ]);
    expect(scimResource("group", { displayName: "g" })).toEqual({ schemas: [SCIM_GROUP], displayName: "g" });
  });
});
