/** Formulas in pages: typeset by KaTeX when the page is written, with the fonts they use in the page. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { renderToString } from "katex";
import { escape, html, type Markup, raw } from "./html.js";

const folder = join(dirname(createRequire(import.meta.url).resolve("katex/package.json")), "dist");

/** A formula as HTML for the eye and MathML for readers of screens. */
export const formula = (tex: string, displayMode: boolean): Markup =>
  raw(renderToString(tex, { displayMode, output: "htmlAndMathml", strict: "error", throwOnError: true }));

/** Prose with `$formulas$`, `` `code` ``, *stress* and [links](https://…); empty lines part paragraphs. */
export function prose(text: string): Markup {
  const paragraphs = text.trim().split(/\n\s*\n/);
  return html`${paragraphs.map((paragraph) => html`<p>${inline(paragraph)}</p>`)}`;
}

/** As `prose`, without paragraphs. */
export function inline(text: string): Markup {
  const pattern = /\$([^$]+)\$|`([^`]+)`|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https:[^)\s]+)\)/g;
  let end = 0;
  const parts: Markup[] = [];
  for (const match of text.matchAll(pattern)) {
    const [whole, tex, code, stress, label, address] = match;
    parts.push(raw(escape(text.slice(end, match.index))));
    if (tex) parts.push(formula(tex, false));
    else if (code) parts.push(html`<code>${code}</code>`);
    else if (stress) parts.push(html`<em>${stress}</em>`);
    else parts.push(html`<a href="${address}">${label}</a>`);
    end = match.index + whole.length;
  }
  return html`${parts}${text.slice(end)}`;
}

const value = (css: string, property: string, otherwise: string): string =>
  new RegExp(`[{;]${property}:([^;}]+)`).exec(css)?.[1] ?? otherwise;
/** Family, weight and style, which name a font file. */
const faceOf = (css: string): string =>
  [value(css, "font-family", ""), value(css, "font-weight", "400"), value(css, "font-style", "normal")].join(" ");

/** KaTeX's style sheet with those of its fonts inside that the formulas of `body` use; empty without formulas. */
export function formulaCss(body: string): string {
  if (!body.includes('class="katex')) return "";
  const sheet = readFileSync(join(folder, "katex.min.css"), "utf8");
  const faces = sheet.match(/@font-face\{[^}]*\}/g) ?? [];
  const rules = sheet.replace(/@font-face\{[^}]*\}/g, "");
  const uses = (selectors: string): boolean =>
    selectors.split(",").some((selector) => {
      const classes = selector.match(/\.[\w-]+/g) ?? [];
      return classes.every((name) => new RegExp(`class="[^"]*\\b${name.slice(1)}\\b`).test(body));
    });
  const used = new Set(
    [...rules.matchAll(/([^{}]+)(\{[^}]*font-family:KaTeX_[^}]*\})/g)].flatMap(([, selectors, block]) =>
      uses(selectors) ? [faceOf(block)] : [],
    ),
  );
  const embedded = faces
    .filter((face) => used.has(faceOf(face)) || faceOf(face) === "KaTeX_Main 400 normal")
    .map((face) =>
      face.replace(/src:url\((fonts\/[^)]+\.woff2)\)[^}]*/, (_, file: string) => {
        const bytes = readFileSync(join(folder, file)).toString("base64");
        return `src:url(data:font/woff2;base64,${bytes}) format("woff2")`;
      }),
    );
  return embedded.join("") + rules;
}
