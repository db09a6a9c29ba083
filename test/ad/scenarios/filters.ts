/**
 * A schema's filters that name a unit and groups by objectGUID, beside a clause by attribute: who is in scope follows what
 * happens to units and groups, for people whom no change names.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScopeFilter, SynchronizationSchema } from "../../../shared/domain/synchronization-schema.ts";
import type { Line, Stage } from "../stage.ts";

export function describeFilters(on: () => Stage): void {
  let stage: Stage;
  let line: Line;
  let made = 0;
  const newUser = (parentDn: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> => {
    made += 1;
    return stage.admin.createUser(parentDn, `Filtered, ${made}`, {
      sAMAccountName: `filtered.${made}`,
      userPrincipalName: `filtered.${made}@example.com`,
      displayName: `Filtered ${made}`,
      ...attributes,
    });
  };
  const isThere = async (guid: string): Promise<boolean> => (await line.targetOf(guid))?.deleted === false;

  describe("filters by unit, group and attribute", () => {
    let unit: string;
    let inner: string;
    let outside: string;
    let group: string;
    let nested: string;
    let people: Readonly<Record<"placed" | "other" | "member" | "inNested" | "stranger", string>>;
    const who = async (): Promise<string[]> => {
      const names: string[] = [];
      for (const [name, guid] of Object.entries(people)) if (await isThere(guid)) names.push(name);
      return names;
    };

    beforeAll(async () => {
      stage = on();
      const { admin, population } = stage;
      const root = String(population.units[3]?.dn);
      unit = await admin.createUnit(root, "Filtered");
      inner = await admin.createUnit(await admin.dnOf(unit), "Filtered, inner");
      outside = await admin.createUnit(root, "Unfiltered");
      const outsideDn = await admin.dnOf(outside);
      people = {
        placed: await newUser(await admin.dnOf(inner), { department: "Filtered" }),
        other: await newUser(await admin.dnOf(inner), { department: "Else" }),
        member: await newUser(outsideDn),
        inNested: await newUser(outsideDn),
        stranger: await newUser(outsideDn, { department: "Filtered" }),
      };
      group = await admin.createGroup(outsideDn, "Filtered group");
      nested = await admin.createGroup(outsideDn, "Nested filtered group");
      await admin.addMembers(group, people.member, nested);
      await admin.addMembers(nested, people.inNested);
      line = await stage.newLine();
      const scope: ScopeFilter = {
        groups: [
          {
            name: "of the unit",
            clauses: [
              {
                sourceOperandName: "distinguishedName",
                operatorName: "IS_DESCENDANT_OF",
                targetOperand: { values: [unit] },
              },
              { sourceOperandName: "department", operatorName: "EQUALS", targetOperand: { values: ["Filtered"] } },
            ],
          },
          {
            name: "of the group",
            clauses: [
              { sourceOperandName: "objectGUID", operatorName: "IS_MEMBER_OF", targetOperand: { values: [group] } },
            ],
          },
        ],
      };
      await line.runtime.changeSchema(line.job, (schema) => withPeopleIn(schema, scope));
      await line.sync();
    });
    afterAll(async () => {
      await line?.destroy();
    });

    it("let in who is below the unit with the attribute, and who is in the group, however nested", async () => {
      expect(await who()).toEqual(["placed", "member", "inNested"]);
      const live = (await line.runtime.users()).filter(({ deleted }) => !deleted);
      expect(live).toHaveLength(3);
    });

    it("follow a unit that is moved out and, renamed, in again, with those who are below it", async () => {
      const { admin } = stage;
      await admin.move(inner, await admin.dnOf(outside));
      await line.sync();
      expect(await who()).toEqual(["member", "inNested"]);
      await admin.rename(inner, "Filtered, renamed");
      await admin.move(inner, await admin.dnOf(unit));
      await line.sync();
      expect(await who()).toEqual(["placed", "member", "inNested"]);
    });

    it("follow groups that are nested out and in, and members of nested ones", async () => {
      const { admin } = stage;
      await admin.removeMembers(group, nested);
      await line.sync();
      expect(await who()).toEqual(["placed", "member"]);
      await admin.addMembers(nested, people.stranger);
      await admin.addMembers(group, nested);
      await admin.rename(group, "Filtered group, renamed");
      await line.sync();
      expect(await who()).toEqual(["placed", "member", "inNested", "stranger"]);
    });

    it("remove nobody when the group is gone, and say so", async () => {
      await stage.admin.delete(group);
      await line.sync();
      expect(await who()).toEqual(["placed", "member", "inNested", "stranger"]);
      const { trouble } = await line.runtime.status(line.job);
      expect(trouble).toMatchObject({ code: "ScopeObjectMissing", objectGuids: [group] });
    });
  });
}

function withPeopleIn(schema: SynchronizationSchema, scope: ScopeFilter): SynchronizationSchema {
  return {
    ...schema,
    synchronizationRules: schema.synchronizationRules.map((rule) => ({
      ...rule,
      objectMappings: rule.objectMappings.map((mapping) =>
        mapping.sourceObjectName === "group" ? mapping : { ...mapping, scope },
      ),
    })),
  };
}
