/** Where data sets lie on this machine. */

/** An environment variable; `undefined` where there are none, or when it is empty. */
const environment = (name: string): string | undefined =>
  (typeof process === "undefined" ? undefined : process.env[name]) || undefined;

const isAbsolute = (path: string): boolean => /^([/\\]|[a-zA-Z]:)/.test(path);

/**
 * The folder for downloads: `XDG_CACHE_HOME` (XDG Base Directory Specification), else the platform's own
 * (`~/Library/Caches`, `%LOCALAPPDATA%`, `~/.cache`), with `typegrad` in it.
 */
export function cacheFolder(): string {
  const xdg = environment("XDG_CACHE_HOME");
  if (xdg !== undefined && isAbsolute(xdg)) return `${xdg}/typegrad`;
  const home = environment("HOME") ?? environment("USERPROFILE") ?? ".";
  const platform = typeof process === "undefined" ? "" : process.platform;
  if (platform === "win32") return `${environment("LOCALAPPDATA") ?? `${home}/AppData/Local`}/typegrad`;
  return platform === "darwin" ? `${home}/Library/Caches/typegrad` : `${home}/.cache/typegrad`;
}

/** The folders in which a data set may lie, in the order in which they are tried. */
export function dataFolders(name: string, root?: string): string[] {
  return [root, environment("TYPEGRAD_DATA"), cacheFolder()]
    .filter((folder) => folder !== undefined)
    .flatMap((folder) => [folder, `${folder}/${name}`]);
}

/**
 * As `dataFolders`, for files whose names other data sets have, too: only `root` may hold them directly. The last is where
 * Debian installs packaged data sets.
 */
export function ownFolders(name: string, root?: string): string[] {
  const shared = [root, environment("TYPEGRAD_DATA"), cacheFolder(), "/usr/share/datasets"];
  return [...(root === undefined ? [] : [root]), ...shared.flatMap((f) => (f === undefined ? [] : [`${f}/${name}`]))];
}
