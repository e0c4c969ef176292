/** What is said of bytes that are not what their format demands. */
import { FormatError } from "../util/errors.js";

/** The error for a file, or a part of one, that is damaged, cut off or of another format. */
export const malformed = (what: string, must: string, options?: ErrorOptions): FormatError =>
  new FormatError(`${what}: ${must}. write the file again, or fetch it again`, options);
