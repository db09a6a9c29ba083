/**
 * Values that nobody must read in logs: which they are, and what stands in for them.
 *
 * A property is redacted when its mapping says so (the function `Redact`), when the target's directory definition calls it
 * write-only, when the job names it or an attribute that it is mapped from, and always when its name is that of a
 * password. Its values flow as they are; log rows, samples and messages show `[Redact]`, as Microsoft's log does.
 * A message may hold a value in the middle of a sentence: `redactText` takes out every known value of the object, whatever
 * its case. What stands in a row of an object is state and no log, and stays.
 */
import type { TargetValue, TargetValues } from "./target-value.ts";
import { isNested } from "./target-value.ts";
import type { AttributeBag } from "./values.ts";

export const REDACTED = "[Redact]";

export interface Redaction {
  /** Target properties, of nested ones `property.key`. */
  readonly properties: readonly string[];
  /** Source attributes that they are mapped from. */
  readonly attributes: readonly string[];
}

export const NOTHING_REDACTED: Redaction = { properties: [], attributes: [] };

const PASSWORD = /password|passwd|passphrase|pwd|secret|credential/i;
/** Their names only sound like it: times, counts and policies. */
const NO_PASSWORD = /^(pwdLastSet|badPwdCount|badPasswordTime|passwordPolicies|(lm|nt)?PwdProperties)$/i;

/** Whether a name is a password's, in a source or a target. */
export function isPasswordName(name: string): boolean {
  return PASSWORD.test(name) && !NO_PASSWORD.test(name) && !/lastPasswordChange/i.test(name);
}

/** The values with the redacted ones replaced; null stays, for it says only that there is none. */
export function redactValues(values: TargetValues, properties: readonly string[]): TargetValues {
  if (properties.length === 0) return values;
  const result: Record<string, TargetValue> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!isNested(value)) {
      result[name] = isIn(properties, name) ? hidden(value) : value;
      continue;
    }
    const isWhole = isIn(properties, name);
    result[name] = Object.fromEntries(
      Object.entries(value).map(([key, own]) => [
        key,
        own !== null && (isWhole || isIn(properties, `${name}.${key}`)) ? REDACTED : own,
      ]),
    );
  }
  return result;
}

function hidden(value: Exclude<TargetValue, Readonly<Record<string, string | null>>>): TargetValue {
  if (value === null) return null;
  return Array.isArray(value) ? value.map(() => REDACTED) : REDACTED;
}

/** Every text that a message about the object may hold and nobody must read: of its image, and of values of its target. */
export function secretsOf(redaction: Redaction, image: AttributeBag, ...targets: readonly TargetValues[]): string[] {
  const { properties, attributes } = redaction;
  if (properties.length === 0) return [];
  const secrets = new Set<string>();
  for (const [name, values] of Object.entries(image)) {
    if (!isIn(attributes, name)) continue;
    for (const value of values) secrets.add(typeof value === "string" ? value : value.base64);
  }
  for (const values of targets) {
    for (const [name, value] of Object.entries(values)) {
      for (const [property, text] of textsOf(name, value))
        if (isIn(properties, property) || isIn(properties, name)) secrets.add(text);
    }
  }
  secrets.delete("");
  return [...secrets];
}

function textsOf(name: string, value: TargetValue): (readonly [property: string, text: string])[] {
  if (value === null || typeof value === "boolean") return [];
  if (typeof value === "string") return [[name, value]];
  if (!isNested(value)) return value.map((text) => [name, text] as const);
  return Object.entries(value).flatMap(([key, text]) => (text === null ? [] : [[`${name}.${key}`, text] as const]));
}

/** Shorter ones are looked for as whole words only: a sentence without any "a" would tell nothing. */
const WHOLE_WORD_BELOW = 4;
/** Whoever quotes a value may cut it: so much of its beginning counts as the value. */
const RECOGNISED = 32;

/** The text with every occurrence of every secret replaced, in whatever case. */
export function redactText(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0 || text === "") return text;
  const forms = secrets.flatMap((secret) => {
    const quoted = JSON.stringify(secret).slice(1, -1);
    return quoted === secret ? [secret] : [secret, quoted];
  });
  const longestFirst = [...new Set(forms)].sort((one, other) => other.length - one.length);
  return text.replace(new RegExp(longestFirst.map(patternOf).join("|"), "giu"), REDACTED);
}

function patternOf(secret: string): string {
  const whole = escaped(secret);
  if (secret.length < WHOLE_WORD_BELOW) return `(?<![\\p{L}\\p{N}])${whole}(?![\\p{L}\\p{N}])`;
  if (secret.length <= RECOGNISED) return whole;
  return `${whole}|${escaped(secret.slice(0, RECOGNISED).replace(/[\ud800-\udbff]$/, ""))}[^'"\\n]*`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

interface Told {
  readonly message: string;
  readonly properties?: readonly string[];
}

/** A failure or warning without secrets. What is said of a redacted property may hold its value in another form: it goes. */
export function redactTold<T extends Told>(told: T, properties: readonly string[], secrets: readonly string[]): T {
  if (properties.length === 0) return told;
  const about = told.properties?.filter((name) => isIn(properties, name)) ?? [];
  const message =
    about.length > 0
      ? `About ${about.join(", ")}: what was said may hold the value, which is redacted.`
      : redactText(told.message, secrets);
  return message === told.message ? told : { ...told, message };
}

function isIn(names: readonly string[], name: string): boolean {
  const lower = name.toLowerCase();
  return names.some((own) => own.toLowerCase() === lower);
}
