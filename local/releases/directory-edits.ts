/** Edits of a sample forest's LDIF, as a directory's administrator would make them: record by record, as text. */

export interface ForestText {
  /** Records of people, in the order of the file: the first leads all, then come the heads of departments. */
  readonly people: readonly string[];
  text(): string;
  replace(record: string, changed: string): void;
  remove(record: string): void;
  /** Puts a record back at the end. */
  append(record: string): void;
  /** Exchanges the values of an attribute of two records. */
  swap(attribute: string, left: string, right: string): void;
  /** Takes a member out of the first group that names it. */
  removeMember(dn: string): void;
}

export function forestText(original: string): ForestText {
  let text = original;
  const records = (): string[] => text.split("\n\n").map((record) => record.trim());
  const people = records().filter((record) => /^employeeID:/m.test(record));
  const replace = (record: string, changed: string): void => {
    if (!text.includes(`${record}\n`)) throw new Error(`The forest has no such record:\n${record}`);
    // A function: names may hold what `replace` takes for a pattern.
    text = text.replace(`${record}\n`, () => `${changed}\n`);
  };
  return {
    people,
    text: () => text,
    replace,
    remove(record) {
      text = text.replace(`${record}\n\n`, "");
    },
    append(record) {
      text = `${text}${record}\n\n`;
    },
    swap(attribute, left, right) {
      const line = new RegExp(`^${attribute}: .*$`, "m");
      const [ofLeft, ofRight] = [line.exec(left)?.[0], line.exec(right)?.[0]];
      if (ofLeft === undefined || ofRight === undefined) throw new Error(`Both records need ${attribute}.`);
      replace(
        left,
        left.replace(line, () => ofRight),
      );
      replace(
        right,
        right.replace(line, () => ofLeft),
      );
    },
    removeMember(dn) {
      const group = records().find((record) => record.includes(`\nmember: ${dn}\n`));
      if (group === undefined) throw new Error(`No group has the member ${dn}.`);
      replace(group, group.replace(`\nmember: ${dn}\n`, "\n"));
    },
  };
}

export function dnOf(record: string): string {
  const dn = /^dn: (.*)$/m.exec(record)?.[1];
  if (dn === undefined) throw new Error(`This record's name can't be read:\n${record}`);
  return dn;
}

/** A record with another value of an attribute that it has. */
export function withValue(record: string, attribute: string, value: string): string {
  return record.replace(new RegExp(`^${attribute}: .*$`, "m"), () => `${attribute}: ${value}`);
}
