/** Puts a generated population into a running directory: about 400 people a second over one connection. */

import type { Client } from "ldapts";
import { addEntry } from "./ldap.ts";
import type { DirectoryEntry, Population } from "./population.ts";

/** Requests under way at once. Samba answers one after another; this keeps it busy. */
const inFlight = 16;

export async function loadPopulation(admin: Client, population: Population): Promise<void> {
  await loadOneByOne(admin, population.units);
  // A link to someone who isn't there yet is refused, so managers come first, in order.
  await loadOneByOne(admin, population.managers);
  await loadTogether(admin, [...population.people, ...population.systemAccounts, ...population.hidden]);
}

async function loadOneByOne(admin: Client, entries: readonly DirectoryEntry[]): Promise<void> {
  for (const entry of entries) await load(admin, entry);
}

async function loadTogether(admin: Client, entries: readonly DirectoryEntry[]): Promise<void> {
  const remaining = entries.values();
  const worker = async (): Promise<void> => {
    for (const entry of remaining) await load(admin, entry);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

async function load(admin: Client, { dn, attributes }: DirectoryEntry): Promise<void> {
  try {
    await addEntry(admin, dn, attributes);
  } catch (error) {
    throw new Error(`The directory refused ${dn}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
