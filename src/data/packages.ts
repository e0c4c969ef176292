/** Data that comes as npm packages, so that it is there without a download. */
import { FileError } from "../index.js";
import { readFile } from "../io/index.js";

/**
 * The bytes of a file in an installed package.
 *
 * @throws FileError when the package is not installed; `instead` says what else one can do.
 */
export async function readPackageFile(op: string, name: string, file: string, instead = ""): Promise<Uint8Array> {
  return readFile(new URL(file, folderOf(op, name, instead)), op);
}

function folderOf(op: string, name: string, instead: string): string {
  try {
    const entry = import.meta.resolve(name);
    const at = entry.lastIndexOf(`/node_modules/${name}/`);
    if (at >= 0) return entry.slice(0, at + `/node_modules/${name}/`.length);
    throw new Error(`${entry} lies outside node_modules/${name}`);
  } catch (error) {
    throw new FileError(
      `${op}: the npm package ${name} must be installed. run npm install ${name}${instead && `, or ${instead}`}`,
      { cause: error },
    );
  }
}
