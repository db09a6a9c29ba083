/** Waiting for what a runtime comes to by itself while it is recorded. */
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../start/home.ts";

const POLL_MS = 200;
const WITHIN_MS = 120_000;

/** Throws `StartError` with `what` when it isn't so within two minutes. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + WITHIN_MS; Date.now() < end; await sleep(POLL_MS)) if (await isSo()) return;
  throw new StartError(`Waited ${WITHIN_MS / 1000} s in vain for ${what}.`);
}
