/** The order in which a generated population goes into a directory: parents first, links when everything is there. */
import type { LoadStep } from "./load-offline.ts";
import type { DirectoryEntry, Population } from "./population.ts";

export function populationSteps(population: Population): LoadStep[] {
  const { units, managers, people, systemAccounts, hidden, contacts, groups, links } = population;
  const entries: readonly DirectoryEntry[] = [
    ...[units, managers, people, systemAccounts, hidden, contacts, groups].flat(),
  ];
  return [
    ...entries.map(({ dn, attributes }): LoadStep => ({ add: dn, attributes })),
    ...links.map(({ dn, attribute, values }): LoadStep => ({ append: dn, attributes: { [attribute]: values } })),
  ];
}
