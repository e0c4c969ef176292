/** The one look of every chart: colours are CSS variables with a light fallback, so a page can set its own (or a dark set). */
/** A colour that a page may override by setting the CSS variable `--tg-NAME`. */
const variable = (name: string, fallback: string): string => `var(--tg-${name}, ${fallback})`;

/** Series colours, in the order they are given out; distinguishable with the common kinds of colour blindness. */
const light = ["#2f6bd8", "#e07b2a", "#2a9d73", "#a04fc4", "#c93a4b", "#1792a8", "#8a6a3f", "#6f7788"];
const dark = ["#7aa5f7", "#f2a65e", "#5fcfa3", "#cc8fe8", "#f27d8a", "#5cc8da", "#c9a877", "#a3abbb"];
const neutralsLight = { ink: "#1d2330", muted: "#646c7c", grid: "#e4e7ec", surface: "#ffffff" };
const neutralsDark = { ink: "#e8eaf0", muted: "#9aa3b5", grid: "#2b3140", surface: "#161a22" };

export const ink = variable("ink", neutralsLight.ink);
export const muted = variable("muted", neutralsLight.muted);
export const grid = variable("grid", neutralsLight.grid);
export const surface = variable("surface", neutralsLight.surface);

/** The colour of series `i`; after the eighth they come round again. */
export const colour = (i: number): string => variable(`${(i % light.length) + 1}`, light[i % light.length]);

/** Values above the middle of a scale, correct answers. */
export const positive = colour(0);
/** Values below the middle of a scale, wrong answers. */
export const negative = colour(4);

export const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
export const fontSize = 12;

/** Width of `text` in pixels at the plots' font size, by a rule of thumb: there is no layout engine in Node. */
export const textWidth = (text: string): number => text.length * 6.6;

const declarations = (neutrals: Readonly<Record<string, string>>, series: readonly string[]): string =>
  [...Object.entries(neutrals), ...series.map((c, i) => [`${i + 1}`, c])].map(([k, v]) => `--tg-${k}:${v}`).join(";");

/** CSS that a page puts in its `<style>` to give the charts in it a light and a dark set of colours. */
export const themeCss = `:root{${declarations(neutralsLight, light)};color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{${declarations(neutralsDark, dark)}}}`;
