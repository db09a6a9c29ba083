/** What becomes of expressions whose text and tree say different things, once somebody said which of them counts. */
import { expect, it } from "vitest";
import { expressionOf, readSource, sourceOf } from "../../shared/domain/attribute-flow/source-expression.ts";
import { type PreferredForm, settleDisagreements } from "../../shared/domain/schema-settle.ts";
import type { AttributeMappingSource } from "../../shared/domain/synchronization-schema.ts";

function settled(source: AttributeMappingSource, prefer: PreferredForm): AttributeMappingSource {
  const attributeMappings = [{ targetAttributeName: "Title", source }];
  const found = settleDisagreements({ synchronizationRules: [{ objectMappings: [{ attributeMappings }] }] }, prefer);
  return found.synchronizationRules[0]?.objectMappings[0]?.attributeMappings[0]?.source ?? {};
}

const edited = (tree: string, expression: string) => ({ ...sourceOf(tree), expression });

it.each<[PreferredForm, string]>([
  ["text", "Trim([title])"],
  ["tree", "Trim([info])"],
])("the %s counts where it is preferred", (prefer, expression) => {
  const source = settled(edited("Trim([info])", "Trim([title])"), prefer);
  expect(readSource(source)).toMatchObject({ kind: "expression", expression });
});

it("what agrees is handed on as it is, job parameters of the tree included", () => {
  const source = sourceOf('Join("@", [cn], %DomainFQDN%)');
  expect(source.expression).toBe('Join("@", [cn], )');
  expect(settled(source, "text")).toBe(source);
});

it("a text with an empty place isn't taken for the whole where the tree has a job parameter", () => {
  const tree = 'Join("@", [cn], %DomainFQDN%)';
  const open = edited(tree, 'Join("@", [mail], )');
  expect(settled(open, "text")).toBe(open);
  expect(expressionOf(settled(open, "tree"))).toBe(tree);
  const written = 'Join("@", [mail], %DomainFQDN%)';
  expect(expressionOf(settled(edited(tree, written), "text"))).toBe(written);
  const without = 'Join("@", [mail], "x")';
  expect(expressionOf(settled(edited(tree, without), "text"))).toBe(without);
});
