/** Tests of ONNX 1.12 as rows read them; `onnx-cases.py` writes them. */
import { type Tensor, tensor } from "typegrad";

export interface OnnxCase<O> {
  readonly name: string;
  readonly op: string;
  /** ONNX's attributes in the words of typegrad. */
  readonly options: O;
  readonly operands: readonly Tensor[];
  readonly output: Tensor;
  /** Outputs after the first. */
  readonly further: readonly Tensor[];
}

/** Whole numbers, or float32 numbers as base64. */
interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[] | string;
}

/** A case as it is written. */
interface Written<O> extends Pick<OnnxCase<O>, "name" | "op" | "options"> {
  readonly operands: readonly Stored[];
  readonly output: Stored;
  readonly further?: readonly Stored[];
}

function numbersOf(data: Stored["data"]): number[] {
  if (typeof data !== "string") return [...data];
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return Array.from(new Float32Array(bytes.buffer));
}

const read = ({ shape, data }: Stored): Tensor => tensor(numbersOf(data), { dtype: "float64" }).reshape(shape);

/** The cases that texts describe, in float64. */
export const parse = <O>(texts: readonly string[]): OnnxCase<O>[] =>
  texts.map((text) => {
    const { operands, output, further = [], ...rest }: Written<O> = JSON.parse(text);
    return { ...rest, operands: operands.map(read), output: read(output), further: further.map(read) };
  });
