"""The network as an ONNX graph, for programs and machines that have no PyTorch.

features (batch, frames, width) float32 → logits (batch, C + 1), offset (batch,); both first lengths are free. What goes
in and comes out is what `rmsnet.network.model.RMSNet.forward` takes and gives.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.network.model import KERNEL, Ensemble, RMSNet

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
"""Of ONNX Runtime 1.14 and later."""


def onnx_model(network: RMSNet | Ensemble, told: Mapping[str, str]) -> "ModelProto":
    """The graph of a network in eval mode, checked.

    Args:
        network: one, or several that answer together.
        told: what the file says of itself: its metadata.
    """
    from onnx import TensorProto, checker, helper

    members: list[Any] = list(network.members) if isinstance(network, Ensemble) else [network]
    nodes: list[Any] = []
    weights: list[Any] = []
    for number, member in enumerate(members):
        _add_member(member, f"{number}." if len(members) > 1 else "", nodes, weights)
    if len(members) > 1:
        nodes += _together([f"{number}." for number in range(len(members))], weights)
    state = members[0].state_dict()
    width, outputs = state["fc1.weight"].shape[1], state["fc_cls.weight"].shape[0]
    graph = helper.make_graph(
        nodes,
        "rmsnet",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", "frames", width])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs]),
            helper.make_tensor_value_info("offset", TensorProto.FLOAT, ["batch"]),
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="rmsnet")
    model.ir_version = 8  # that of the opset: an older runtime refuses a newer one
    helper.set_model_props(model, dict(told))
    checker.check_model(model, full_check=True)
    return model


def _add_member(network: RMSNet, prefix: str, nodes: list[Any], weights: list[Any]) -> None:
    """One network; in an ensemble its outputs have a prefix, too."""
    from onnx import helper

    state = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    state["fc1.weight"] = state["fc1.weight"].T  # (width, 256): a product over the last of three dimensions
    weights += [_tensor(f"{prefix}{name}", array) for name, array in state.items()]
    half = KERNEL // 2

    def add(kind: str, inputs: Sequence[str], output: str, **settings: Any) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [f"{prefix}{output}"], name=f"{prefix}{output}", **settings))
        return f"{prefix}{output}"

    def linear(name: str, rows: str, output: str) -> str:
        return add("Gemm", [rows, f"{prefix}{name}.weight", f"{prefix}{name}.bias"], output, transB=1)

    def conv(name: str, x: str) -> str:
        x = add("Conv", [x, f"{prefix}{name}.weight", f"{prefix}{name}.bias"], name, pads=[half, half])
        return add("Relu", [x], f"{name}.relu")

    projected = add("MatMul", ["features", f"{prefix}fc1.weight"], "fc1.product")
    frames = add("Transpose", [add("Add", [projected, f"{prefix}fc1.bias"], "fc1")], "frames", perm=[0, 2, 1])
    over_time = conv("conv2", conv("conv1", frames))
    weights.append(_tensor(f"{prefix}time", np.array([2], np.int64)))
    most = add("ReduceMax", [over_time, f"{prefix}time"], "most", keepdims=0)
    hidden = add("Relu", [linear("fc2", most, "fc2")], "hidden")
    linear("fc_cls", hidden, "logits")
    weights.append(_tensor(f"{prefix}last", np.array([1], np.int64)))
    add("Squeeze", [linear("fc_regr", hidden, "offset.column"), f"{prefix}last"], "offset")


def _together(prefixes: Sequence[str], weights: list[Any]) -> list[Any]:
    """`rmsnet.network.model.together`: the mean of the probabilities and of the offsets."""
    from onnx import helper

    make = helper.make_node
    weights.append(_tensor("one", np.array(1, np.float32)))
    return [
        *(make("Softmax", [f"{prefix}logits"], [f"{prefix}probability"], axis=1) for prefix in prefixes),
        *(make("Sigmoid", [f"{prefix}offset"], [f"{prefix}relative"]) for prefix in prefixes),
        make("Mean", [f"{prefix}probability" for prefix in prefixes], ["probability"]),
        make("Mean", [f"{prefix}relative" for prefix in prefixes], ["relative"]),
        make("Log", ["probability"], ["logits"]),
        make("Sub", ["one", "relative"], ["rest"]),
        make("Div", ["relative", "rest"], ["odds"]),
        make("Log", ["odds"], ["offset"]),
    ]


def _tensor(name: str, array: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ascontiguousarray(array), name)
