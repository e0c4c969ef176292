const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** What a map holds under a key; made when it is missing. */
export function remembered<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

/** A number that stands for the object itself as long as it lives. */
export const identity = (object: object): number => remembered(identities, object, () => nextIdentity++);

/** A string that is equal for equal parameters, much like JSON, with functions and typed arrays standing for themselves. */
export function keyOf(params: unknown): string {
  if (typeof params === "number") return Object.is(params, -0) ? "-0" : String(params);
  if (typeof params === "string") return `${params.length}"${params}"`;
  if (typeof params === "function") return `function ${identity(params)}`;
  if (params === undefined) return "";
  if (typeof params !== "object" || params === null) return String(params);
  if (Array.isArray(params)) return `[${params.reduce((text: string, x) => `${text}${keyOf(x)},`, "")}]`;
  if (ArrayBuffer.isView(params)) return `array ${identity(params)}`;
  if ("toJSON" in params && typeof params.toJSON === "function") return keyOf(params.toJSON());
  let text = "";
  for (const name in params) {
    const value: unknown = Reflect.get(params, name);
    if (value !== undefined) text += `${name}:${keyOf(value)},`;
  }
  return `{${text}}`;
}
