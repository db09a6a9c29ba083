/**
 * A cache of what is made from texts, for whoever is brought the same ones again and again: a batch, a schema that is checked
 * and then compiled, jobs with one schema. What is made must never change. Bounded by the number of texts and by their length
 * together: what is made of a long one takes memory in proportion.
 */
export function createRecent<Made extends object>(
  make: (text: string) => Made,
  most: { readonly texts: number; readonly characters: number } = { texts: 500, characters: 500_000 },
): (text: string) => Made {
  const made = new Map<string, Made>();
  let characters = 0;
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const own = make(text);
    made.set(text, own);
    characters += text.length;
    // Maps keep their order: the oldest go first.
    for (const oldest of made.keys()) {
      if (made.size <= most.texts && characters <= most.characters) break;
      made.delete(oldest);
      characters -= oldest.length;
    }
    return own;
  };
}
