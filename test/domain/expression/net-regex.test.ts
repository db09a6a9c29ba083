import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileNetRegex } from "../../../shared/domain/expression/net-regex/net-regex.ts";
import { RegexRefusal } from "../../../shared/domain/expression/net-regex/tree.ts";

describe(".NET patterns", () => {
  it.each([
    ["\\d", "٣", true],
    ["\\d", "x", false],
    ["^\\w+$", "Łukasz_1", true],
    ["\\W", "é", false],
    ["\\s", "\u0085", true],
    ["\\s", "\ufeff", false],
    ["^.$", "\r", true],
    ["^.$", "\n", false],
    ["(?s)^.$", "\n", true],
    ["^a$", "a\n", true],
    ["^a\\z", "a\n", false],
    ["^a\\Z", "a\n", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["^b$", "a\nb\nc", false],
    ["(?m:^b)", "a\nb", true],
    ["(?i)^sales$", "SALES", true],
    ["^SystemMailbox{", "SystemMailbox{1}", true],
    ["a{,5}", "a{,5}", true],
    ["^a{2,3}$", "aaa", true],
    ["[a-z-[aeiou]]", "e", false],
    ["[a-z-[aeiou]]", "f", true],
    ["[]a]", "]", true],
    ["[^]a]", "]", false],
    ["[\\w-]", "-", true],
    ["[^\\W_]", "_", false],
    ["\\p{Lu}", "Ä", true],
    ["\\P{Lu}", "Ä", false],
    ["\\bé\\b", "é", true],
    ["\\bb", "éb", false],
    ["(?>a+)b", "aab", true],
    ["(?>a+)ab", "aaab", false],
    ["(a)(?>b+)\\1", "abba", true],
    ["(?<x>a)\\k<x>", "aa", true],
    ["(?'x'a)\\k'x'", "ab", false],
    ["\\x41\\u0042\\e?", "AB", true],
    ["\\@\\-\\/\\ ", "@-/ ", true],
    ["a(?#comment)b", "ab", true],
    ["^(?:a|)$", "", true],
    ["(?<!a)b", "ab", false],
    ["\\0", "\0", true],
  ])("%j against %j: %s", (pattern, input, expected) => {
    expect(compileNetRegex(pattern).test(input)).toBe(expected);
  });

  it.each([
    ["(?x) a", "inline option"],
    ["a(?i)b", "inline option"],
    ["(?(a)b|c)", "conditional"],
    ["(?<a-b>c)", "balancing"],
    ["\\p{IsGreek}", "Unicode block"],
    ["\\Ga", "\\G"],
    ["\\012", "\\0"],
    ["\\_", "\\_"],
    ["\\2", "isn't there"],
    ["(a", "without its end"],
    ["a)", "without its beginning"],
    ["[a", "without its end"],
    ["[z-a]", "reverse"],
    ["a**", "quantifier after a quantifier"],
    ["*a", "quantifier after nothing"],
    ["a{3,2}", "n above m"],
    ["(?<n>a)(?<n>b)", "second group"],
    ["(?:(a)|b)\\1", "taken no part"],
    ["(a)?\\1", "taken no part"],
    ["\\1(a)", "taken no part"],
    ["(?:(a)|b)*c\\1", "taken no part"],
    ["a\\", "backslash"],
  ])("%j is refused, naming why", (pattern, why) => {
    expect(() => compileNetRegex(pattern)).toThrow(RegexRefusal);
    expect(() => compileNetRegex(pattern)).toThrow(why);
  });

  it.each([
    ["(?<a>x)(y)", "xy", "$1$2", "yx"],
    ["(?<a>x)(y)", "xy", `\${a}\${1}\${2}`, "xyx"],
    ["b", "abc", "[$&$$$`$'$_]", "a[b$acabc]c"],
    ["b", "abc", `$7\${no}$`, `a$7\${no}$c`],
    ["(a)(b)", "ab", "$+", "b"],
    ["a*", "baaac", "-", "-b--c-"],
    ["(a)|b", "ab", "<$1>", "<a><>"],
  ])("%s on %s by %s gives %s", (pattern, input, replacement, expected) => {
    expect(compileNetRegex(pattern).replace(input, replacement)).toBe(expected);
  });

  it("replaces what a group captured in every match, and nothing else", () => {
    const regex = compileNetRegex("(?<code>\\d{2})-(?<rest>\\d)");
    expect(regex.replaceGroup("12-3 45-6", "code", "xx")).toBe("xx-3 xx-6");
    expect(regex.replaceGroup("none", "rest", "x")).toBe("none");
    expect(() => regex.replaceGroup("12-3", "nothing", "x")).toThrow("no group 'nothing'");
  });

  it("refuses the value of a group that a loop may pass by, only when it is asked for", () => {
    const regex = compileNetRegex("^(?:(?<n>a)|b)*$");
    expect(regex.test("ab")).toBe(true);
    expect(() => regex.read("ab", "n")).toThrow("may pass it by");
    expect(() => regex.replace("ab", `\${n}`)).toThrow("may pass it by");
    expect(compileNetRegex("^(?<n>a|b)*$").read("ab", "n")).toBe("b");
  });

  it("agrees with JavaScript where the two languages say the same", () => {
    const atom = fc.constantFrom("a", "b", "c", "[ab]", "[^a]", "(a|b)", "(?:c|ab)", "(?=b)", "(?!c)", "\\.", "x{2}");
    const piece = fc
      .tuple(atom, fc.constantFrom("", "", "?", "+?", "{1,2}"))
      .map(([a, q]) => (a.startsWith("(?=") || a.startsWith("(?!") || a.endsWith("}") ? a : a + q));
    const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
    const input = fc.string({ unit: fc.constantFrom("a", "b", "c", "x", "."), maxLength: 12 });
    fc.assert(
      fc.property(pattern, input, (source, text) => {
        const regex = compileNetRegex(source);
        expect(regex.test(text)).toBe(new RegExp(source).test(text));
        expect(regex.replace(text, "<$&>")).toBe(text.replace(new RegExp(source, "g"), "<$&>"));
      }),
      { numRuns: 1000 },
    );
  });
});
