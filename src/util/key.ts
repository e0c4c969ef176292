const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** A number that stands for the object itself as long as it lives. */
export function identity(object: object): number {
  let id = identities.get(object);
  if (id === undefined) identities.set(object, (id = nextIdentity++));
  return id;
}

function exact(_: string, value: unknown): unknown {
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
    return `number ${Object.is(value, -0) ? "-0" : value}`;
  if (typeof value === "function") return `function ${identity(value)}`;
  if (ArrayBuffer.isView(value)) return `array ${identity(value)}`;
  return value;
}

/** A string that is equal for equal parameters: JSON, with functions and typed arrays standing for themselves. */
export const keyOf = (params: unknown): string => (params === undefined ? "" : JSON.stringify(params, exact));
