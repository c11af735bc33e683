"""rmsnet alone: where does this project stand, and what comes next?"""

import argparse


def run(options: argparse.Namespace) -> None:
    from rmsnet.workplace.standing import standing

    for what, said in standing():
        print(f"{what + ':':<15}{said}", flush=True)
    print("all commands:  rmsnet --help", flush=True)
