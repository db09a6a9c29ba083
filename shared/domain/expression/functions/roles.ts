/** App role assignments as the target's role objects, in the form that a creation sends. */

import { type FunctionDefinition, roles } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { allOf, described, listValue, type Structure, type Value } from "../value.ts";

const ROLE_TYPE = "WindowsAzureActiveDirectoryRole";

function assignmentsOf(value: Value, name: string): readonly Structure[] {
  return allOf(value).map((item) => {
    if (typeof item === "object" && item.kind === "structure") return item;
    throw new ExpressionError("type", `${name} wants app role assignments, not ${described(item)}.`);
  });
}

function rolesFunction(name: string, label: "display" | "displayName"): FunctionDefinition {
  return {
    name,
    parameters: [roles("appRoleAssignments")],
    returns: "list",
    compile: (call) => {
      const source = call.required(0);
      return (context) => {
        const targetRoles = assignmentsOf(source(context), name).map(
          ({ fields }): Structure => ({
            kind: "structure",
            fields: {
              primary: false,
              type: ROLE_TYPE,
              [label]: fields["displayName"] ?? null,
              value: fields["value"] ?? null,
            },
          }),
        );
        return listValue(targetRoles);
      };
    },
  };
}

/** One role's name; of several the first, as the documentation promises no other. */
const single: FunctionDefinition = {
  name: "SingleAppRoleAssignment",
  parameters: [roles("appRoleAssignments")],
  returns: "text",
  compile: (call) => {
    const source = call.required(0);
    return (context) => {
      const [role] = assignmentsOf(source(context), "SingleAppRoleAssignment");
      return role?.fields["displayName"] ?? role?.fields["value"] ?? null;
    };
  },
};

export const ROLE_FUNCTIONS: readonly FunctionDefinition[] = [
  rolesFunction("AppRoleAssignmentsComplex", "displayName"),
  rolesFunction("AssertiveAppRoleAssignmentsComplex", "display"),
  single,
];
