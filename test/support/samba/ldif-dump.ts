/**
 * A directory as an LDIF file (RFC 2849), as one account sees it: every value that isn't plain ASCII in base64, lines
 * folded after 76 characters, binary identifiers included. What an administrator would export where nothing may touch
 * the directory itself.
 */

import type { Client } from "ldapts";
import { type LdapEntry, searchEntries } from "./ldap.ts";

const lineLength = 76;

export async function dumpAsLdif(client: Client, baseDn: string, filter = "(objectClass=*)"): Promise<string> {
  const entries = await searchEntries(client, baseDn, { filter, attributes: ["*"] });
  // Parents before children, as exports have it.
  const sorted = entries.toSorted((one, other) => depthOf(one.dn) - depthOf(other.dn));
  // An empty line ends each record, the last one too: a file without it may have been cut off.
  return `version: 1\n\n${sorted.map((entry) => `${recordOf(entry)}\n`).join("")}`;
}

function recordOf(entry: LdapEntry): string {
  const lines = [lineOf("dn", Buffer.from(entry.dn))];
  for (const [attribute, values] of entry.attributes) {
    for (const value of values) lines.push(lineOf(attribute, value));
  }
  return `${lines.join("\n")}\n`;
}

function lineOf(attribute: string, value: Buffer): string {
  const line = isSafe(value)
    ? `${attribute}: ${value.toString("latin1")}`
    : `${attribute}:: ${value.toString("base64")}`;
  return folded(line);
}

/** A SAFE-STRING of RFC 2849, and not ending in a blank, which editors eat. */
function isSafe(value: Buffer): boolean {
  const text = value.toString("latin1");
  // NUL, line feed, carriage return, and whatever isn't ASCII.
  if (value.some((byte) => byte === 0 || byte === 10 || byte === 13 || byte > 127)) return false;
  return !/^[ :<]/.test(text) && !text.endsWith(" ");
}

function folded(line: string): string {
  if (line.length <= lineLength) return line;
  const parts = [line.slice(0, lineLength)];
  for (let at = lineLength; at < line.length; at += lineLength - 1)
    parts.push(` ${line.slice(at, at + lineLength - 1)}`);
  return parts.join("\n");
}

function depthOf(dn: string): number {
  return dn.replace(/\\./g, "").split(",").length;
}
