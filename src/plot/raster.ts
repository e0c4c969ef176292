/** Charts as elements of a page, and as PNG files: in Node by the library resvg, in browsers by the browser. */
import { ArgumentError, FileError } from "../util/errors.js";

/** What is used of `@resvg/resvg-js`. */
interface Resvg {
  renderAsync(svg: string, options: object): Promise<{ asPng(): Uint8Array }>;
}
const isResvg = (x: unknown): x is Resvg =>
  typeof x === "object" && x !== null && "renderAsync" in x && typeof x.renderAsync === "function";

export interface PngOptions {
  /** Pixels for each unit of the chart; 2 unless told. */
  readonly scale?: number;
  /** A CSS colour behind the chart, `"transparent"` for none; white unless told. */
  readonly background?: string;
}

/** A chart drawn in the colours it falls back to: a picture has no style sheet to set others. */
const plain = (svg: string): string => svg.replace(/var\(--[\w-]+,\s*([^()]*(?:\([^()]*\))?[^()]*)\)/g, "$1");

/**
 * A chart as the bytes of a PNG file. Node needs the package `@resvg/resvg-js` for it; in browsers it takes a page or a
 * worker with `OffscreenCanvas` and `Image`.
 *
 * @throws FileError in Node when the package is not installed.
 */
export async function toPng(
  svg: string,
  { scale = 2, background = "white" }: PngOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (!svg.startsWith("<svg"))
    throw new ArgumentError(
      `toPng: it takes an SVG string as the charts give, got ${JSON.stringify(svg.slice(0, 20))}. pass what a chart returned`,
    );
  if (!(scale > 0 && scale <= 16))
    throw new ArgumentError(`toPng: the scale must be above 0 and at most 16, got ${scale}. use 1 or 2`);
  const isNode = typeof process !== "undefined" && typeof process.getBuiltinModule === "function";
  if (!isNode) return inBrowser(plain(svg), scale, background);
  const rendered = await findResvg().renderAsync(plain(svg), {
    fitTo: { mode: "zoom", value: scale },
    background,
    font: { defaultFontFamily: "DejaVu Sans" },
  });
  return new Uint8Array(rendered.asPng());
}

/** An `Element`, where the types of the DOM are known. */
type PageElement = typeof globalThis extends { readonly Element: { readonly prototype: infer E } } ? E : object;

/**
 * A chart as an element for a page: `document.body.append(toElement(lines(…)))`. Its colours follow the page's, where
 * `themeCss` or other values of its variables are set.
 *
 * @throws ArgumentError where there is no DOM, or for what is no SVG.
 */
export function toElement(svg: string): PageElement {
  if (typeof DOMParser === "undefined")
    throw new ArgumentError(
      "toElement: there must be a DOM, got none. write the SVG string into a page or file instead",
    );
  const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
  if (documentElement.nodeName !== "svg")
    throw new ArgumentError(
      `toElement: it takes an SVG string as the charts give, got ${JSON.stringify(svg.slice(0, 20))}. pass what a chart returned`,
    );
  return documentElement;
}

function findResvg(): Resvg {
  const { createRequire } = process.getBuiltinModule("node:module");
  try {
    const found: unknown = createRequire(import.meta.url)("@resvg/resvg-js");
    if (isResvg(found)) return found;
    throw new Error("it is not the package that draws SVG");
  } catch (error) {
    throw new FileError("toPng: the npm package @resvg/resvg-js must be installed. run npm install @resvg/resvg-js", {
      cause: error,
    });
  }
}

async function inBrowser(svg: string, scale: number, background: string): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image();
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    image.src = address;
    await image.decode();
    const canvas = new OffscreenCanvas(Math.ceil(image.width * scale), Math.ceil(image.height * scale));
    const context = canvas.getContext("2d");
    if (!context) throw new FileError("toPng: the browser must give a canvas, got none. close other pages");
    context.fillStyle = background;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
  } finally {
    URL.revokeObjectURL(address);
  }
}
