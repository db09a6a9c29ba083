/**
 * Names that Graph's list of functions has with a signature and nothing else, and whose meaning can't be told from it.
 * A schema may hold them, so they are known, and refused with what to write instead.
 */

import { any, type FunctionDefinition } from "../definition.ts";

function unsupported(name: string, parameters: FunctionDefinition["parameters"], remedy: string): FunctionDefinition {
  return {
    name,
    parameters,
    returns: "any",
    compile: (call) => {
      throw call.fail("unsupported", `What ${name} does is documented nowhere.`, remedy);
    },
  };
}

export const UNSUPPORTED_FUNCTIONS: readonly FunctionDefinition[] = [
  unsupported("DefaultDomain", [], "Write the domain as a constant, or as a parameter of the job: %DefaultDomain%."),
  unsupported(
    "AppRoleAssignments",
    [any("source")],
    "Use AppRoleAssignmentsComplex, AssertiveAppRoleAssignmentsComplex or SingleAppRoleAssignment.",
  ),
];
