import { describe, expect, it } from "vitest";
import { defaultSchemaFor } from "../../../shared/domain/default-schema.ts";
import { TARGET_NAMES, TARGETS } from "../../../shared/domain/targets.ts";

describe.each(TARGET_NAMES)("the default mapping of contacts to %s", (name) => {
  const mappings = defaultSchemaFor(name).synchronizationRules[0]!.objectMappings;
  const contact = mappings.find((own) => own.sourceObjectName === "contact")!;

  it("goes to what the target can't hold, and says so by being there", () => {
    expect(contact).toMatchObject({ enabled: true, targetObjectName: "Contact" });
    expect(TARGETS.get(name)!.objects.has("Contact")).toBe(false);
  });

  it("has each documented attribute, mapped as people's are", () => {
    expect(contact.attributeMappings).toHaveLength(88);
    const people = defaultSchemaFor("graph").synchronizationRules[0]!.objectMappings[0]!.attributeMappings;
    expect(people).toEqual(expect.arrayContaining([...contact.attributeMappings]));
  });
});
