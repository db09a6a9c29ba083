/**
 * What a page of the documentation says that can be held against the tree: its code (spans and fences), its links and its headings.
 *
 * No Markdown parser: our pages use a small part of Markdown, and `test/docs.test.ts` shows on samples that it is understood.
 */

export interface Page {
  /** Relative to the project's root. */
  readonly path: string;
  readonly text: string;
}

interface Fence {
  readonly language: string;
  readonly lines: readonly string[];
}

const FENCE = /^ *```(\w*)\n([\s\S]*?)^ *```$/gm;

export function fencesOf({ text }: Page): Fence[] {
  return [...text.matchAll(FENCE)].map(([, language = "", body = ""]) => ({
    language,
    // A line that ends in a backslash goes on.
    lines: body
      .replace(/\\\n\s*/g, "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  }));
}

/** Code inside of sentences, a span that goes over the end of a line as one. */
export function spansOf({ text }: Page): string[] {
  const prose = text.replace(FENCE, "");
  return [...prose.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(([, code = ""]) => code.replace(/\s+/g, " ").trim());
}

export function linksOf({ text }: Page): string[] {
  const prose = text.replace(FENCE, "").replace(/`[^`]*`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** As GitHub makes them of headings; one that stands twice gets a number. */
export function anchorsOf({ text }: Page): string[] {
  const seen = new Map<string, number>();
  return [...text.replace(FENCE, "").matchAll(/^#+ +(.*)$/gm)].map(([, heading = ""]) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}
