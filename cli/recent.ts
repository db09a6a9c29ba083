/** A cache of what is expensive to make, for a batch that asks for the same things again and again. Bounded. */
export function createRecent<Made>(make: (key: string) => Made, most = 500): (key: string) => Made {
  const made = new Map<string, Made>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const own = make(key);
    const [oldest] = made.size >= most ? made.keys() : [];
    if (oldest !== undefined) made.delete(oldest);
    made.set(key, own);
    return own;
  };
}
