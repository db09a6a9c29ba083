/**
 * Handover: a person's account was migrated, and two source objects have one source anchor. Which of the two the target
 * object belongs to.
 *
 * It goes to the newcomer when the present holder is gone (deleted, left, absent), or disabled while the newcomer is
 * enabled. Two that are both alive wait, both named: taking the account from somebody who works with it is no guess to
 * make. Pure; nothing here looks at a target.
 */
import type { ObjectRecord } from "./object-record.ts";
import { firstText } from "./values.ts";

const ACCOUNT_DISABLED = 2;

/** What the directory says, whatever a mapping makes of it. */
export function isDisabledAtSource(record: ObjectRecord): boolean {
  const flags = Number(firstText(record.image, "userAccountControl") ?? "0");
  return Number.isInteger(flags) && (flags & ACCOUNT_DISABLED) !== 0;
}

/** Whether `holder` lets go of its target object, or of the values that it claimed, for `newcomer`. */
export function letsGo(holder: ObjectRecord, newcomer: ObjectRecord): boolean {
  if (newcomer.state !== "live") return false;
  if (holder.state !== "live") return true;
  return isDisabledAtSource(holder) && !isDisabledAtSource(newcomer);
}
