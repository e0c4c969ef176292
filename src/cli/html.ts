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

/** A column of a table. */
export interface Column {
  readonly name: string;
  /** Numbers stand to the right; what is wide is left out on narrow screens. */
  readonly kind?: "number" | "wide";
}

const cellClass = ({ kind }: Column): Markup =>
  raw(kind === "number" ? ' class="n"' : kind === "wide" ? ' class="wide"' : "");

/** A table that scrolls where it is wider than the page; `total` is its last line. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  {
    total,
    rowClass = () => "",
  }: { readonly total?: readonly Content[]; readonly rowClass?: (i: number) => string } = {},
): Markup {
  const cells = (tag: string, values: readonly Content[]): Content =>
    values.map((value, i) => html`${raw(`<${tag}`)}${cellClass(columns[i])}>${value}${raw(`</${tag}>`)}`);
  const line = (values: readonly Content[], i: number): Markup =>
    html`<tr${raw(rowClass(i) && ` class="${escape(rowClass(i))}"`)}>${cells("td", values)}</tr>`;
  const names = columns.map(({ name }) => name);
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${cells("th", names)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(line)}
      </tbody>
      ${
        total
          ? html`<tfoot>
              <tr>
                ${cells("td", total)}
              </tr>
            </tfoot>`
          : ""
      }
    </table>
  </div>`;
}
