"""One edit, the network alone: secgan's engines against OpenVINO and ONNX Runtime, which run the exported ONNX of the same network.

    python benchmarks/edit.py [--backbone attgan] [--image-size 128] [--attributes 13] [--batch 1] [--threads 2] [--rounds 5] [--repeats 15]

Each in a process of its own, turn by turn; medians over all rounds and, for each of secgan's paths, its ratio to the faster peer, of the
same precision in float32, of both in bfloat16. Random weights. Needs the packages onnx, onnxscript, onnxruntime and openvino.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time
import warnings

import side_by_side as by

parser = by.arguments(__doc__, backbone="attgan", image_size=128, attributes=13, batch=1, threads=2, rounds=5, repeats=15)
parser.add_argument("--peer", help=argparse.SUPPRESS)
parser.add_argument("--onnx", help=argparse.SUPPRESS)
args = parser.parse_args()


def peer(name: str) -> by.Result:
    """Seconds of each repeat of a peer, in this process."""
    import numpy as np

    draw = np.random.default_rng(2)
    side = args.image_size
    photos = draw.uniform(-1, 1, (args.batch, 3, side, side)).astype(np.float32)
    attributes = np.ones((args.batch, args.attributes), np.float32)
    library, precision = name.split()
    if library == "openvino":
        import openvino

        core = openvino.Core()
        model = core.read_model(args.onnx)
        model.reshape({model.inputs[0]: photos.shape, model.inputs[1]: attributes.shape})
        how = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": args.threads,
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        }
        request = core.compile_model(model, "CPU", how).create_infer_request()
        version = openvino.__version__.split("-")[0]

        def work() -> None:
            request.infer({0: photos, 1: attributes})
    else:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        session = onnxruntime.InferenceSession(args.onnx, options)
        names = [one.name for one in session.get_inputs()]
        version = onnxruntime.__version__

        def work() -> None:
            session.run(None, {names[0]: photos, names[1]: attributes})

    seconds = []
    for i in range(-2, args.repeats):
        begin = time.perf_counter()
        work()
        if i >= 0:
            seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds, "version": version}


def export(file: pathlib.Path) -> None:
    import torch

    import secgan

    network = secgan.create_generator(args.backbone, attributes=args.attributes, image_size=args.image_size).eval()
    inputs = torch.rand(2, 3, args.image_size, args.image_size) * 2 - 1, torch.ones(2, args.attributes)
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, inputs, file, dynamo=True, dynamic_shapes=({0: batch}, {0: batch}), external_data=False, verbose=False)


if args.peer:
    print(json.dumps(peer(args.peer)))
    sys.exit()


peers = ["onnxruntime float32", "openvino float32", "openvino bfloat16"]
ours = [f"secgan {engine} {precision}" for precision in ("float32", "bfloat16") for engine in ("plain", "libtorch", "openvino")]
flags = by.flags(args, "image_size", "attributes", "batch", "threads", "repeats")


def edit(name: str) -> by.Result:
    """One of ours; plain: the modules themselves, without fast paths."""
    _, engine, precision = name.split()
    plain = engine == "plain"
    command = [args.secgan, "bench", "edit", "--backbone", args.backbone, *flags, "--device", "cpu", "--json", "-"]
    command += ["--engine", "libtorch" if plain else engine, "--precision", precision]
    return by.result_of(command, {"SECGAN_FAST_PATHS": "0" if plain else "1"})


with tempfile.TemporaryDirectory() as folder:
    onnx = pathlib.Path(folder) / "network.onnx"
    export(onnx)
    subjects = {
        name: lambda name=name: by.result_of([sys.executable, __file__, "--peer", name, "--onnx", str(onnx), *flags]) for name in peers
    }
    subjects |= {name: lambda name=name: edit(name) for name in ours}
    results = by.in_turns(args.rounds, subjects)

versions = {name: results[name][0]["version"] for name in peers}
print(by.machine(results[ours[0]][0], args, **{"OpenVINO": versions[peers[1]], "ONNX Runtime": versions[peers[0]]}))
print(
    f"{args.backbone}, {args.image_size} px, {args.attributes} attributes, batch {args.batch}: "
    f"milliseconds, medians of {args.rounds} rounds of {args.repeats}"
)
medians = {name: 1000 * statistics.median(by.seconds(rounds)) for name, rounds in results.items()}
for name, rounds in results.items():
    precision = name.split()[-1]
    best = min(medians[one] for one in peers if precision == "bfloat16" or one.endswith(precision))
    ratio = f", {best / medians[name]:.2f} times as fast as the faster peer" if name in ours else ""
    print(f"{name:<26} {medians[name]:7.1f} {by.each(rounds, 1000, 1)}{ratio}")
