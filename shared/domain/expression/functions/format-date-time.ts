/**
 * FormatDateTime: a date's text read by one .NET format string and written by another.
 *
 * The provisioning page has four arguments; the cloud sync page three, without the styles. A source that is a date
 * already, and a text without an input format, need no format to be read.
 */

import { checkedTicks, ticksOfEpochMilliseconds } from "../dates/calendar.ts";
import { formatDate } from "../dates/format.ts";
import { type Moment, parseExact } from "../dates/parse-exact.ts";
import { datePattern } from "../dates/pattern.ts";
import { type FunctionDefinition, optionalText, text, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { firstOf, textOf } from "../value.ts";
import { checkConstant } from "./constants.ts";
import { ticksOf } from "./date-argument.ts";

const STYLES: ReadonlySet<string> = new Set(
  "none allowleadingwhite allowtrailingwhite allowinnerwhite allowwhitespaces nocurrentdatedefault adjusttouniversal assumelocal assumeuniversal roundtripkind".split(
    " ",
  ),
);
const DEFAULT_STYLES: ReadonlySet<string> = new Set(["roundtripkind", "allowleadingwhite", "allowtrailingwhite"]);

/** Names of .NET's DateTimeStyles, lower case; the documented three when there are none. */
function stylesOf(text: string | null): ReadonlySet<string> {
  if (text === null || text.trim() === "") return DEFAULT_STYLES;
  const names = new Set(text.split(/[,|\s]+/).map((name) => name.toLowerCase().replace(/^datetimestyles\./, "")));
  names.delete("");
  for (const name of names) {
    if (!STYLES.has(name)) throw new ExpressionError("date", `'${name}' is not one of .NET's DateTimeStyles.`);
  }
  const zones = ["adjusttouniversal", "assumelocal", "assumeuniversal"].filter((name) => names.has(name));
  if (names.has("roundtripkind") && zones.length > 0) {
    throw new ExpressionError("date", `The DateTimeStyles RoundtripKind and ${zones[0]} exclude each other.`);
  }
  if (names.has("assumelocal") && names.has("assumeuniversal")) {
    throw new ExpressionError("date", "The DateTimeStyles AssumeLocal and AssumeUniversal exclude each other.");
  }
  return names;
}

/** Local and universal time are the same time here, so that the styles only decide what the date is called. */
function inZone({ ticks, zone }: Moment, styles: ReadonlySet<string>): Moment {
  const isAssumed = styles.has("assumelocal") || styles.has("assumeuniversal");
  if (zone === "none" && !isAssumed) return { ticks, zone };
  if (styles.has("adjusttouniversal")) return { ticks, zone: "utc" };
  return { ticks, zone: zone === "utc" && styles.has("roundtripkind") ? "utc" : "local" };
}

export const formatDateTime: FunctionDefinition = {
  name: "FormatDateTime",
  parameters: [
    text("source"),
    optionalText("dateTimeStyles"),
    optionalText("inputFormat"),
    optionalText("outputFormat"),
  ],
  returns: "text",
  compile: (call) => {
    const { count } = call;
    if (count < 3 || !call.arg(count - 1)) {
      const remedy = "Write FormatDateTime(source, dateTimeStyles, inputFormat, outputFormat).";
      throw call.fail("arity", "FormatDateTime lacks its output format.", remedy);
    }
    const remedy = "Write it as .NET's custom format strings are written, such as yyyy-MM-dd.";
    for (const index of [count - 2, count - 1]) {
      checkConstant(call, index, remedy, (value) => value !== "" && datePattern(textOf(value) ?? ""));
    }
    if (count === 4)
      checkConstant(call, 1, "Write names such as AllowWhiteSpaces.", (value) => stylesOf(textOf(value)));
    const source = call.required(0);
    const styles = textArgument(call, count === 4 ? 1 : -1);
    const inputFormat = textArgument(call, count - 2);
    const outputFormat = textArgument(call, count - 1);
    return (context) => {
      const first = firstOf(source(context));
      if (first === null || first === "") return null;
      const output = outputFormat(context) || "G";
      const input = inputFormat(context);
      const isDate = typeof first === "object" && first.kind === "date";
      if (isDate || input === null || input === "") {
        return formatDate(ticksOf(isDate ? first : textOf(first), "The source of FormatDateTime") ?? 0n, output);
      }
      const names = stylesOf(styles(context));
      const moment = parseExact(textOf(first) ?? "", input, {
        allowLeadingWhite: names.has("allowwhitespaces") || names.has("allowleadingwhite"),
        allowTrailingWhite: names.has("allowwhitespaces") || names.has("allowtrailingwhite"),
        allowInnerWhite: names.has("allowwhitespaces") || names.has("allowinnerwhite"),
        noCurrentDate: names.has("nocurrentdatedefault"),
        now: ticksOfEpochMilliseconds(context.now),
      });
      if (!moment) {
        const message = `The source of FormatDateTime doesn't have the input format '${input}'.`;
        throw new ExpressionError("date", message);
      }
      const { ticks, zone } = inZone(moment, names);
      return formatDate(checkedTicks(ticks), output, zone);
    };
  },
};
