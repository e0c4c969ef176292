/** In which order a product of several tensors is contracted: pairs of terms, as a tree with the fewest multiplications. */

/** A term by its number, or the product of two. */
export type Order = number | readonly [Order, Order];

/** Terms already multiplied: the labels that others or the result still need. */
interface Group {
  readonly order: Order;
  readonly terms: ReadonlySet<number>;
  readonly labels: ReadonlySet<string>;
  readonly cost: number;
}

/** Up to so many groups every order is considered; beyond, pairs that shrink the data most are multiplied first. */
const exhaustive = 8;

/**
 * The order with the fewest multiplications (for many terms, a good one) of a product of terms with these labels, where the
 * product of two terms costs the product of the lengths of all their labels.
 */
export function contractionOrder(
  terms: readonly (readonly string[])[],
  output: readonly string[],
  lengthOf: (label: string) => number,
): { readonly order: Order; readonly cost: number } {
  const volume = (labels: Iterable<string>): number => [...labels].reduce((n, label) => n * lengthOf(label), 1);
  const grouped = (order: Order, members: ReadonlySet<number>, labels: Iterable<string>, cost: number): Group => {
    const needed = new Set([...output, ...terms.flatMap((own, i) => (members.has(i) ? [] : own))]);
    return { order, terms: members, labels: new Set([...labels].filter((label) => needed.has(label))), cost };
  };
  const joined = (a: Group, b: Group): Group => {
    const labels = new Set([...a.labels, ...b.labels]);
    return grouped([a.order, b.order], new Set([...a.terms, ...b.terms]), labels, a.cost + b.cost + volume(labels));
  };
  const growth = (a: Group, b: Group): number => volume(joined(a, b).labels) - volume(a.labels) - volume(b.labels);
  let groups = terms.map((labels, i) => grouped(i, new Set([i]), labels, 0));
  while (groups.length > exhaustive) {
    const pairs = groups.flatMap((a, i) => groups.slice(i + 1).map((b) => ({ a, b, growth: growth(a, b) })));
    const { a, b } = pairs.reduce((least, pair) => (pair.growth < least.growth ? pair : least));
    groups = [...groups.filter((group) => group !== a && group !== b), joined(a, b)];
  }
  return best(groups, joined);
}

/** The cheapest way to join all groups: of every subset of them the cheapest split in two, from small subsets to large. */
function best(groups: readonly Group[], joined: (a: Group, b: Group) => Group): Group {
  const cheapest: Group[] = [];
  for (let set = 1; set < 2 ** groups.length; set++) {
    const only = groups.findIndex((_, i) => set === 1 << i);
    if (only >= 0) cheapest[set] = groups[only];
    // every split once: the part that holds the lowest group
    else
      for (let part = (set - 1) & set; part > 0; part = (part - 1) & set) {
        if (!(part & set & -set)) continue;
        const way = joined(cheapest[part], cheapest[set ^ part]);
        if (!cheapest[set] || way.cost < cheapest[set].cost) cheapest[set] = way;
      }
  }
  return cheapest[cheapest.length - 1];
}
