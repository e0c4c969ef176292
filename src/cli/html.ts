/** HTML from templates, with values escaped. */

/** HTML that is already safe to put into a page. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export type Content = string | number | Markup | readonly Content[];

/** Text with what HTML would read as markup escaped. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function markup(content: Content): string {
  if (content instanceof Markup) return content.text;
  return typeof content === "object" ? content.map(markup).join("") : escape(String(content));
}

/** Markup from a template; every value in it is escaped unless it is markup itself. */
export const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Markup =>
  new Markup(parts.map((part, i) => part + (i < values.length ? markup(values[i]) : "")).join(""));

/** Markup from text that is already safe. */
export const raw = (text: string): Markup => new Markup(text);
