"""Writes cnv-onnx.ts beside it: tests of ONNX 1.12 (node and pytorch-converted) for the rows of chapter CNV.

    /usr/bin/python3 course/cnv-onnx.py [folder of the test data]

Inputs, weights and outputs are ONNX's own, float32 as base64; attributes become options of typegrad/nn.
"""
import base64
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

data = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/libonnx-testdata/data")

rows = {
    "padding": """node/test_basic_conv_with_padding node/test_basic_conv_without_padding node/test_conv_with_autopad_same
        node/test_conv_with_strides_and_asymmetric_padding node/test_conv_with_strides_padding
        pytorch-converted/test_Conv1d_pad1 pytorch-converted/test_Conv1d_pad2 pytorch-converted/test_Conv1d_pad1size1
        pytorch-converted/test_Conv1d_pad2size1 pytorch-converted/test_Conv2d_padding
        node/test_constant_pad node/test_reflect_pad node/test_edge_pad pytorch-converted/test_ReflectionPad2d
        pytorch-converted/test_ReplicationPad2d pytorch-converted/test_ZeroPad2d pytorch-converted/test_ConstantPad2d""",
    "stride": """node/test_conv_with_strides_no_padding pytorch-converted/test_Conv1d_stride
        pytorch-converted/test_Conv2d_strided pytorch-converted/test_Conv3d_stride""",
    "dilation": """pytorch-converted/test_Conv1d_dilated pytorch-converted/test_Conv2d_dilated
        pytorch-converted/test_Conv3d_dilated""",
    "groups": """pytorch-converted/test_Conv1d_groups pytorch-converted/test_Conv2d_groups
        pytorch-converted/test_Conv2d_groups_thnn pytorch-converted/test_Conv2d_depthwise
        pytorch-converted/test_Conv2d_depthwise_padded pytorch-converted/test_Conv2d_depthwise_strided
        pytorch-converted/test_Conv2d_depthwise_with_multiplier""",
    "transposed": """node/test_convtranspose node/test_convtranspose_1d node/test_convtranspose_3d
        node/test_convtranspose_autopad_same node/test_convtranspose_dilations node/test_convtranspose_kernel_shape
        node/test_convtranspose_output_shape node/test_convtranspose_pad node/test_convtranspose_pads
        node/test_convtranspose_with_kernel pytorch-converted/test_ConvTranspose2d
        pytorch-converted/test_ConvTranspose2d_no_bias""",
    "spectra": "node/test_dft node/test_dft_axis node/test_dft_inverse node/test_stft node/test_stft_with_window",
}


def number(path):
    return int(path.stem.split("_")[-1])


def tensors(folder, kind):
    files = sorted((folder / "test_data_set_0").glob(f"{kind}_*.pb"), key=number)
    return [numpy_helper.to_array(onnx.load_tensor(str(f))) for f in files]


def pairs(pads):
    half = len(pads) // 2
    return [[int(a), int(b)] for a, b in zip(pads[:half], pads[half:])]


def options_of(op, attributes, operands):
    """ONNX's attributes in the words of typegrad/nn; lengths it leaves to be worked out are worked out as it says."""
    x, w = operands[0], operands[1] if len(operands) > 1 else None
    a = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
    options = {}
    if op in ("Conv", "ConvTranspose"):
        rank = x.ndim - 2
        strides, dilations = a.get("strides", [1] * rank), a.get("dilations", [1] * rank)
        extra = a.get("output_padding", [0] * rank)
        padding = pairs(a.get("pads", [0] * 2 * rank))
        auto = a.get("auto_pad", "NOTSET")
        if op == "Conv" and auto.startswith("SAME"):
            padding = "same"
        if op == "ConvTranspose":
            wanted = a.get("output_shape") or (auto.startswith("SAME") and [n * s for n, s in zip(x.shape[2:], strides)])
            if wanted:
                total = [s * (n - 1) + e + (k - 1) * d + 1 - o for s, n, e, k, d, o in
                         zip(strides, x.shape[2:], extra, w.shape[2:], dilations, wanted)]
                extra = [e + max(0, -t) for e, t in zip(extra, total)]
                padding = [[max(0, t) // 2, max(0, t) - max(0, t) // 2] for t in total]
            if any(extra):
                options["outputPadding"] = list(extra)
        if any(s != 1 for s in strides):
            options["stride"] = list(strides)
        if any(d != 1 for d in dilations):
            options["dilation"] = list(dilations)
        if padding == "same" or any(n for pair in padding for n in pair):
            options["padding"] = padding
        if a.get("group", 1) != 1:
            options["groups"] = a["group"]
    elif op == "Pad":
        pads = a["pads"] if "pads" in a else operands.pop(1)
        value = a.get("value", float(operands.pop(1)) if len(operands) > 1 else 0)
        mode = {"edge": "replicate"}.get(a["mode"], a["mode"])
        options = {"widths": pairs(pads), "mode": mode, "value": value}
    elif op == "DFT":
        options = {"axis": a["axis"], "inverse": bool(a.get("inverse", 0))}
    elif op == "STFT":
        options = {"step": int(operands.pop(1))}
        if len(operands) == 2 and operands[1].ndim == 0:  # the length of frames that have no window
            operands[1] = np.ones(int(operands[1]), np.float32)
    return options


def stored(array):
    """Small integers as they are, other numbers as base64 of float32."""
    flat = np.ascontiguousarray(array, dtype="<f4")
    whole = bool(np.all(flat == np.round(flat)) and np.abs(flat).max() < 1000)
    values = [int(v) for v in flat.ravel()] if whole else base64.b64encode(flat.tobytes()).decode()
    return {"shape": list(array.shape), "data": values}


def written(name):
    folder = data / name
    model = onnx.load(str(folder / "model.onnx"))
    (node,) = [n for n in model.graph.node if n.op_type != "Constant"]
    given = {i.name: v for i, v in zip(model.graph.input, tensors(folder, "input"))}
    held = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    operands = [{**given, **held}[i] for i in node.input if i]
    options = options_of(node.op_type, {a.name: helper.get_attribute_value(a) for a in node.attribute}, operands)
    (output,) = tensors(folder, "output")
    case = {"name": name.split("/test_")[1], "op": node.op_type, "options": options,
            "operands": [stored(o) for o in operands], "output": stored(output)}
    return f"    `{json.dumps(case, separators=(',', ':'))}`,\n"


text = '''/** Tests of ONNX 1.12 for the rows of chapter CNV; written by cnv-onnx.py. */
import { type Tensor, tensor } from "typegrad";
import type { ConvOptions, ConvTransposeOptions, Pairs, PadMode } from "typegrad/nn";

export interface OnnxCase<O> {
  readonly name: string;
  readonly op: string;
  /** ONNX's attributes in the words of typegrad. */
  readonly options: O;
  readonly operands: readonly Tensor[];
  readonly output: Tensor;
}

/** Whole numbers, or float32 numbers as base64. */
interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[] | string;
}

function numbersOf(data: Stored["data"]): number[] {
  if (typeof data !== "string") return [...data];
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return Array.from(new Float32Array(bytes.buffer));
}

/** The cases that texts describe, in float64. */
function parse<O>(texts: readonly string[]): OnnxCase<O>[] {
  const read = ({ shape, data }: Stored): Tensor => tensor(numbersOf(data), { dtype: "float64" }).reshape(shape);
  return texts.map((text) => {
    const { operands, output, ...rest }: Omit<OnnxCase<O>, "operands" | "output"> & {
      operands: Stored[];
      output: Stored;
    } = JSON.parse(text);
    return { ...rest, operands: operands.map(read), output: read(output) };
  });
}
'''
types = {
    "padding": "ConvOptions & { readonly widths: Pairs; readonly mode: PadMode; readonly value: number }",
    "transposed": "ConvTransposeOptions",
    "spectra": "{ readonly axis: number; readonly inverse: boolean; readonly step: number }",
}
for key, names in rows.items():
    cases = "".join(written(name) for name in names.split())
    text += f"\nexport const {key} = (): OnnxCase<{types.get(key, 'ConvOptions')}>[] =>\n  parse([\n{cases}  ]);\n"
pathlib.Path(__file__).with_suffix(".ts").write_text(text)
