import { describe, expect, it } from "vitest";
import { compileNetRegex } from "../../../shared/domain/expression/net-regex/net-regex.ts";
import { RegexRefusal } from "../../../shared/domain/expression/net-regex/tree.ts";
import { createWork } from "../../../shared/domain/expression/work.ts";

/** The first match and its groups 1, 2, … as they are numbered; null for a group without a capture. */
function matchOf(pattern: string, input: string): (string | null)[] | undefined {
  const regex = compileNetRegex(pattern);
  if (!regex.test(input, createWork())) return undefined;
  const found: (string | null)[] = [];
  for (let group = 0; regex.hasGroup(String(group)); group++) {
    found.push(regex.read(input, String(group), createWork()) ?? null);
  }
  return found;
}

const tests = (pattern: string, input: string) => compileNetRegex(pattern).test(input, createWork());
const replaced = (pattern: string, input: string, by: string) =>
  compileNetRegex(pattern).replace(input, by, createWork());

describe("units, classes and places", () => {
  it.each([
    ["\\d", "٣", true],
    ["\\d", "x", false],
    ["^\\w+$", "Łukasz_1", true],
    ["\\w", "\u200d", false],
    ["\\W", "é", false],
    ["\\s", "\u0085", true],
    ["\\s", "\ufeff", false],
    ["^.$", "\r", true],
    ["^.$", "\n", false],
    ["(?s)^.$", "\n", true],
    ["^a$", "a\n", true],
    ["^a$", "a\n\n", false],
    ["^[^b]+$", "a\n", true],
    ["^a\\z", "a\n", false],
    ["^a\\Z", "a\n", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["(?m)a$", "a\r\n", false],
    ["^b$", "a\nb\nc", false],
    ["(?m:^b)", "a\nb", true],
    ["^SystemMailbox{", "SystemMailbox{1}", true],
    ["a{,5}", "a{,5}", true],
    ["{5", "x{5", true],
    ["^a{2,3}$", "aaa", true],
    ["^a{0}$", "", true],
    ["[a-z-[aeiou]]", "e", false],
    ["[a-z-[aeiou]]", "f", true],
    ["^[a-[b]]$", "a", true],
    ["[^a-z-[0-9]]", "5", false],
    ["[a-z-[aeiou-[e]]]", "e", true],
    ["[]a]", "]", true],
    ["[^]a]", "]", false],
    ["[\\w-]", "-", true],
    ["[\\w-[\\d]]", "7", false],
    ["^[+\\--9]+$", "+-9", true],
    ["[+\\--9]", "5", false],
    ["[\\b]", "\b", true],
    ["[^\\W_]", "_", false],
    ["\\p{Lu}", "Ä", true],
    ["\\P{Lu}", "Ä", false],
    ["\\p{IsGreek}", "λ", true],
    ["\\P{IsGreek}", "λ", false],
    ["\\p{IsLatin-1Supplement}", "é", true],
    ["^\\p{IsCyrillic}+$", "Юлия", true],
    ["\\p{Cs}", "\ud83d", true],
    ["^..$", "😀", true],
    ["\\bé\\b", "é", true],
    ["\\bb", "éb", false],
    ["a\\B\u200d", "a\u200d", true],
    ["\\x41\\u0042\\e?", "AB", true],
    ["\\cA\\ca", "\u0001\u0001", true],
    ["\\0", "\0", true],
    ["\\012", "\n", true],
    ["\\101", "A", true],
    ["\\400", "\0", true],
    ["\\@\\-\\/\\ ", "@-/ ", true],
    ["a(?#comment)b", "ab", true],
    ["^a(?#comment)+$", "aaa", true],
    ["^(?:a|)$", "", true],
    ["", "", true],
  ])("%j against %j: %s", (pattern, input, expected) => {
    expect(tests(pattern, input)).toBe(expected);
  });

  it.each([
    ["(?i)^sales$", "SALES", true],
    ["(?i)k", "\u212a", true],
    ["(?i)[j-l]", "\u212a", true],
    ["(?i)i", "\u0130", false],
    ["(?i)I", "i", true],
    ["(?i)s", "ſ", false],
    ["(?i)σ", "ς", false],
    ["(?i)ß", "ẞ", true],
    ["(?i)straße", "STRASSE", false],
    ["(?i)\\p{Lu}", "a", true],
    ["(?i)\\p{Nd}|x", "X", true],
    ["(?i)[^a]", "A", false],
    ["(?i)(é)\\1", "Éé", true],
    ["(é)\\1", "Éé", false],
    ["a(?i)b", "aB", true],
    ["a(?i)b", "AB", false],
    ["a(?i:b)c", "aBc", true],
    ["a(?i:b)c", "aBC", false],
    ["(a(?i)b)c", "aBC", false],
    ["a(?i)b|c", "C", true],
    ["(?i-i)a", "A", false],
    ["(?x) a b # the end\n c", "abc", true],
    ["(?x) a\\ b [ ] c", "a b c", true],
    ["(?x)a + ?b", "aab", true],
    ["(?x: a b ) c", "ab c", true],
  ])("%j, with its options, against %j: %s", (pattern, input, expected) => {
    expect(tests(pattern, input)).toBe(expected);
  });
});

describe("the first match and what its groups captured", () => {
  it.each([
    // Order, greed and laziness.
    ["a|ab", "ab", ["a"]],
    ["(?:a|ab)(?:c|bcd)(d*)", "abcd", ["abcd", ""]],
    ["a+?", "aaa", ["a"]],
    ["a{2,3}?", "aaaa", ["aa"]],
    ["<(.+?)>", "<a><b>", ["<a>", "a"]],
    ["<(.+)>", "<a><b>", ["<a><b>", "a><b"]],
    ["(.*)(\\d+)", "ab12", ["ab12", "ab1", "2"]],
    [".*,OU=(.*)", "CN=a,OU=b,OU=c", ["CN=a,OU=b,OU=c", "c"]],
    ["(?:ab){2,}?c", "ababababc", ["ababababc"]],
    // Repetitions in each other are one, if they can be: 9 is tried before 8 = 4 + 4.
    ["(?:a{2,4}){1,3}(?=a{3,4}$)", "a".repeat(12), ["a".repeat(9)]],
    ["(?:a{2,3}){1,4}(?=a{2}$)", "a".repeat(9), ["a".repeat(7)]],
    // A group keeps its last capture when a round passes it by.
    ["(?:(a)|b)*", "ab", ["ab", "a"]],
    ["(?:(a)|(b))+", "aba", ["aba", "a", "b"]],
    ["(a)?b", "b", ["b", null]],
    ["(?:(a)|b)*c\\1", "abca", ["abca", "a"]],
    ["((a)|(b)\\2)+", "aba", ["aba", "ba", "a", "b"]],
    // A reference to a group without a capture fails.
    ["\\1(a)", "aa", undefined],
    ["(a)?\\1b", "b", undefined],
    ["(?:\\1b|(a))+", "aab", ["aab", "a"]],
    ["(?<x>a)(?<x>b)\\k<x>", "abb", ["abb", "b"]],
    ["(\\w)\\1", "hello", ["ll", "l"]],
    // Numbers: the unnamed first, then the named; a number may be shared.
    ["(?<n>a)(b)", "ab", ["ab", "b", "a"]],
    ["(?<2>a)(b)(c)", "abc", ["abc", "b", "c"]],
    ["(?<1>a)(b)", "ab", ["ab", "b"]],
    ["(?n)(a)(?<x>b)", "ab", ["ab", "b"]],
    ["(?'q'a)\\k'q'\\<q>\\'q'", "aaaa", ["aaaa", "a"]],
    ["(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10", "abcdefghijj", ["abcdefghijj", ..."abcdefghij"]],
    ["(a)\\10", "a\b", ["a\b", "a"]],
    // Rounds that take nothing end a loop, and count.
    ["(a*)*", "b", ["", ""]],
    ["(a*)+", "aab", ["aa", ""]],
    ["(a|b*)*c", "aabbc", ["aabbc", ""]],
    ["(?:a??)*", "aa", [""]],
    ["(a??)*?b", "aab", ["aab", "a"]],
    ["(?:){3}a", "a", ["a"]],
    ["(|a){2}b", "ab", ["ab", "a"]],
    ["(?=(a))*\\1", "a", ["a", "a"]],
    // Look-around; behind is matched from right to left.
    ["\\w+(?=,)", "ab,c", ["ab"]],
    ["(?=(\\w+))\\1:", "ab:", ["ab:", "ab"]],
    ["(?<=(\\d{1,2})(\\d{1,2}))x", "1234x", ["x", "12", "34"]],
    ["(?<=(\\d+)(\\d+))x", "1234x", ["x", "1", "234"]],
    ["(?<=\\1(a))b", "aab", ["b", "a"]],
    ["(?<=(a)\\1)b", "aab", undefined],
    ["(?<=a.*?)c", "abc", ["c"]],
    ["(?<=ab|c)d", "abd", ["d"]],
    ["(?<!a)b", "ab", undefined],
    ["(?!(a))b\\1?", "b", ["b", null]],
    ["(?<=^|,)x", "a,x", ["x"]],
    ["(?<=(?=ab)a)b", "ab", ["b"]],
    ["(?<=(?>a*))b", "aab", ["b"]],
    ["(?<=a+?)(?<=(a{2})*)b", "aaab", ["b", "a".repeat(2)]],
    // Atomic groups.
    ["(?>a+)b", "aab", ["aab"]],
    ["(?>a+)ab", "aaab", undefined],
    ["(?>a|ab)c", "abc", undefined],
    ["(?>(a)b|ac)", "ac", ["ac", null]],
    // Conditions.
    ['(")?\\w+(?(1)")', '"ab" c', ['"ab"', '"']],
    ['(")?\\w+(?(1)")', "ab c", ["ab", null]],
    ["(?<q>')?(?(q)a|b)", "'a", ["'a", "'"]],
    ["(?(?=\\d)\\d{2}|[a-z])", "1a23", ["a"]],
    ["(?(a)ab|c)", "ab", ["ab"]],
    ["(?(a)b|a)", "a", undefined],
    // Balancing groups.
    ["^(?:(?<d>\\()|(?<-d>\\))|[^()])*(?(d)(?!))$", "(a(b)c)", ["(a(b)c)", null]],
    ["^(?:(?<d>\\()|(?<-d>\\))|[^()])*(?(d)(?!))$", "(a(b)c", undefined],
    ["^(?:(?<d>\\()|(?<-d>\\))|[^()])*(?(d)(?!))$", "a)b(", undefined],
    ["(?<open>\\[)\\w+(?<inner-open>\\])", "[abc]", ["[abc]", null, "abc"]],
    ["(?<a>x)(?<a>y)(?<-a>z)", "xyz", ["xyz", "x"]],
  ] as [string, string, (string | null)[] | undefined][])("%j in %j: %j", (pattern, input, expected) => {
    expect(matchOf(pattern, input)).toEqual(expected);
  });
});

describe("patterns that are refused", () => {
  it.each([
    ["(a", "a parenthesis without its end at position 1"],
    ["a)", "a closing parenthesis without its beginning at position 2"],
    ["[a", "a class without its end at position 1"],
    ["a[z-a]", "a range in reverse order at position 3"],
    ["a**", "a quantifier after a quantifier at position 3"],
    ["a{2}{3}", "a quantifier after a quantifier"],
    ["*a", "a quantifier after nothing at position 1"],
    ["a(?i)*", "a quantifier after nothing"],
    ["a|{2}", "a quantifier after nothing"],
    ["a{3,2}", "n above m at position 2"],
    ["a{99999999999}", "a number that is too large"],
    ["a\\", "a backslash at its end"],
    ["\\_", "the unknown escape \\_"],
    ["\\8", "a reference to the group 8, which isn't there"],
    ["\\80", "the unknown escape \\8"],
    ["\\2", "isn't there"],
    ["\\k<x>", "'x', which isn't there"],
    ["\\kx", "\\k without the name"],
    ["\\x4", "the unknown escape \\x"],
    ["\\c1", "the unknown escape \\c"],
    ["\\p{IsKlingon}", "Unicode category or block {IsKlingon}"],
    ["\\pL", "Unicode category or block"],
    ["[[:alpha:]]", "a POSIX class"],
    ["[a-\\d]", "a range that ends in a class"],
    ["[a-z-[b]c]", "something after a subtraction"],
    ["(?<0>a)", "the number 0"],
    ["(?<1a>b)", "an invalid name"],
    ["(?<a-b>c)", "a balancing group for 'b', which isn't there"],
    ["(?y)a", "a group of an unknown kind at position 1"],
    ["(?P<n>a)", "a group of an unknown kind"],
    ["(?#a", "a comment without its end"],
    ["(?(2)a|b)", "the unknown group 2"],
    ["(?(a)b|c|d)", "more than two branches"],
    ["(?(?<n>a)b|c)", "a named group as a condition"],
    ["(?(?=a)b|c)(d)", "an unnamed group behind a condition"],
    ["(".repeat(300), "more than 200 nested groups"],
    ["[a-[".repeat(300), "more than 200 nested groups"],
    ["a".repeat(10_001), "10000 is the most"],
  ])("%j: %s", (pattern, why) => {
    expect(() => compileNetRegex(pattern)).toThrow(RegexRefusal);
    expect(() => compileNetRegex(pattern)).toThrow(why);
  });
});

describe("replacing", () => {
  it.each([
    ["(?<a>x)(y)", "xy", "$1$2", "yx"],
    ["(?<a>x)(y)", "xy", `\${a}\${1}\${2}`, "xyx"],
    ["b", "abc", "[$&$$$`$'$_]", "a[b$acabc]c"],
    ["b", "abc", `$7\${no}$`, `a$7\${no}$c`],
    ["(a)(b)", "ab", "$+", "b"],
    ["(a)(b)?", "a", "<$+>", "<>"],
    ["(a)", "a", "$01", "a"],
    ["a*", "baaac", "-", "-b--c-"],
    ["x*", "abc", "-", "-a-b-c-"],
    ["(?<=a)", "aab", "-", "a-a-b"],
    ["\\Ga", "aaba", "-", "--ba"],
    ["\\Ga*", "aab", "-", "--b"],
    ["(?m)^", "a\nb", "> ", "> a\n> b"],
    ["$", "a\n", "!", "a!\n!"],
    ["(a)|b", "ab", "<$1>", "<a><>"],
    ["(?:(?<n>a)|b)+", "ab", `\${n}`, "a"],
    ["no", "text", "x", "text"],
    ["[^!-~]|[@()\\[\\]\\x22;:<>,\\x5C]", "a b@c\\d", "", "abcd"],
  ])("%j in %j by %j gives %j", (pattern, input, replacement, expected) => {
    expect(replaced(pattern, input, replacement)).toBe(expected);
  });

  it("refuses a replacement with the number of a group that no pattern can have", () => {
    expect(() => compileNetRegex("a").checkReplacement("$99999999999")).toThrow(RegexRefusal);
  });

  it("replaces what a group captured in every match, and nothing else", () => {
    const replacedGroup = (pattern: string, input: string, group: string, by: string) =>
      compileNetRegex(pattern).replaceGroup(input, group, by, createWork());
    const pattern = "(?<code>\\d{2})-(?<rest>\\d)";
    expect(replacedGroup(pattern, "12-3 45-6", "code", "xx")).toBe("xx-3 xx-6");
    expect(replacedGroup(pattern, "12-3", "rest", `<\${code}>`)).toBe("12-<12>");
    expect(replacedGroup(pattern, "none", "rest", "x")).toBe("none");
    expect(replacedGroup("(?<a>a)?b", "b ab", "a", "x")).toBe("b xb");
    // What a look-behind captured before the last replacement stays.
    expect(replacedGroup("(?<=(?<a>a).*)b", "abb", "a", "x")).toBe("xbb");
    expect(() => replacedGroup(pattern, "12-3", "nothing", "x")).toThrow("no group 'nothing'");
  });
});
