const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** A number that stands for the object itself as long as it lives. */
export function identity(object: object): number {
  let id = identities.get(object);
  if (id === undefined) identities.set(object, (id = nextIdentity++));
  return id;
}

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
