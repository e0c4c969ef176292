/** What is used of linkedom; its own declarations do not pass a strict check of libraries (see `paths` in tsconfig). */
export function parseHTML(html: string): { readonly document: Document };
