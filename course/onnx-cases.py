"""Writes cnv-onnx.ts and reg-onnx.ts beside it: tests of ONNX 1.12 (node and pytorch-converted) for chapters' rows.

    /usr/bin/python3 course/onnx-cases.py [folder of the test data]

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

signals = {
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

layers = {
    "identities": """node/test_dropout_default node/test_dropout_default_old node/test_dropout_default_mask
        node/test_dropout_default_ratio node/test_dropout_default_mask_ratio node/test_dropout_random_old
        node/test_training_dropout_zero_ratio node/test_training_dropout_zero_ratio_mask""",
    "dropouts": """node/test_training_dropout node/test_training_dropout_default node/test_training_dropout_mask
        node/test_training_dropout_default_mask""",
    "batchNorms": """node/test_batchnorm_example node/test_batchnorm_epsilon node/test_batchnorm_example_training_mode
        node/test_batchnorm_epsilon_training_mode pytorch-converted/test_BatchNorm1d_3d_input_eval
        pytorch-converted/test_BatchNorm2d_eval pytorch-converted/test_BatchNorm2d_momentum_eval
        pytorch-converted/test_BatchNorm3d_eval pytorch-converted/test_BatchNorm3d_momentum_eval""",
    "layerNorms": """node/test_layer_normalization_2d_axis0 node/test_layer_normalization_2d_axis1
        node/test_layer_normalization_3d_axis0_epsilon node/test_layer_normalization_3d_axis1_epsilon
        node/test_layer_normalization_3d_axis2_epsilon node/test_layer_normalization_4d_axis0
        node/test_layer_normalization_4d_axis1 node/test_layer_normalization_4d_axis2
        node/test_layer_normalization_4d_axis3 node/test_layer_normalization_default_axis""",
    "instanceNorms": "node/test_instancenorm_example node/test_instancenorm_epsilon",
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
    elif op == "Dropout":
        probability = float(operands.pop(1)) if len(operands) > 1 else a.get("ratio", 0.5)
        del operands[1:]  # whether it trains
        options = {"probability": round(probability, 6)}
    elif op == "LayerNormalization":
        options = {"shape": list(x.shape[a.get("axis", -1):]), "epsilon": round(a.get("epsilon", 1e-5), 9)}
    elif op in ("BatchNormalization", "InstanceNormalization"):
        options = {"epsilon": round(a.get("epsilon", 1e-5), 9), "training": bool(a.get("training_mode", 0)),
                   "kept": round(a.get("momentum", 0.9), 6)}
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
    output, *further = [o for o in tensors(folder, "output") if o.dtype != bool]
    case = {"name": name.split("/test_")[1], "op": node.op_type, "options": options,
            "operands": [stored(o) for o in operands], "output": stored(output)}
    if case["op"] == "BatchNormalization" and further:
        case["further"] = [stored(o) for o in further]
    return f"    `{json.dumps(case, separators=(',', ':'))}`,\n"


types = {
    "padding": "ConvOptions & { readonly widths: Pairs; readonly mode: PadMode; readonly value: number }",
    "transposed": "ConvTransposeOptions",
    "spectra": "{ readonly axis: number; readonly inverse: boolean; readonly step: number }",
    "identities": "{ readonly probability: number }",
    "dropouts": "{ readonly probability: number }",
    "batchNorms": "{ readonly epsilon: number; readonly training: boolean; readonly kept: number }",
    "layerNorms": "{ readonly shape: readonly number[]; readonly epsilon: number }",
    "instanceNorms": "{ readonly epsilon: number }",
}


def write(chapter, rows, imports=""):
    text = f"/** Tests of ONNX 1.12 for the rows of chapter {chapter.upper()}; written by onnx-cases.py. */\n{imports}"
    text += 'import { type OnnxCase, parse } from "./onnx-case.js";\n'
    for key, names in rows.items():
        cases = "".join(written(name) for name in names.split())
        text += f"\nexport const {key} = (): OnnxCase<{types.get(key, 'ConvOptions')}>[] =>\n  parse([\n{cases}  ]);\n"
    pathlib.Path(__file__).with_name(f"{chapter}-onnx.ts").write_text(text)


write("cnv", signals, 'import type { ConvOptions, ConvTransposeOptions, Pairs, PadMode } from "typegrad/nn";\n')
write("reg", layers)
