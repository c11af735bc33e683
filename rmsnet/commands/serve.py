"""rmsnet serve: a model as a web service."""

import argparse
from pathlib import Path

from rmsnet.commands._options import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="a model as a web service: features in, events as JSON out")
    parser.add_argument("model", help="models:/rmsnet@champion, hf://ORG/NAME or a model folder")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="0: a free one (default: 8080)")
    parser.add_argument(
        "--memory", type=int, default=256, metavar="MIB", help="for all request bodies together (default: 256)"
    )
    parser.add_argument(
        "--at-once", type=int, default=2, metavar="N", help="halves computed at the same time (default: 2)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="of the processor, for each half (default: all)")
    parser.add_argument(
        "--upload-seconds", type=float, default=120, metavar="S", help="a body must be complete by then (default: 120)"
    )
    parser.add_argument(
        "--stall-seconds",
        type=float,
        default=10,
        metavar="S",
        help="without progress until a client is closed (default: 10)",
    )
    parser.add_argument(
        "--api-key-file",
        type=Path,
        metavar="FILE",
        help="keys of those who may ask, one a line (default: everybody may)",
    )
    parser.add_argument(
        "--shadow",
        metavar="URI",
        help="models:/rmsnet@challenger: answers along; its differences are recorded, not shown",
    )
    parser.add_argument(
        "--challenger-share",
        type=float,
        default=0,
        metavar="P",
        help="of the requests that the challenger of --shadow answers itself, 0 to 1 (default: 0)",
    )
    parser.add_argument(
        "--jobs", type=Path, metavar="DIR", help="take videos too (POST /jobs), with this folder as their queue"
    )
    parser.add_argument("--jobs-most", type=int, default=20, metavar="N", help="videos in the queue (default: 20)")
    parser.add_argument("--job-mib", type=int, default=4096, metavar="MIB", help="of a video (default: 4096)")
    parser.add_argument(
        "--job-memory-mib", type=int, default=0, metavar="MIB", help="of the process that spots a video (default: any)"
    )
    parser.add_argument(
        "--job-url",
        action="append",
        default=[],
        metavar="URL",
        help="videos may be fetched from addresses that begin so; may be repeated (default: none)",
    )
    parser.add_argument(
        "--require-signed",
        type=Path,
        metavar="KEY",
        help="public key (PEM): versions that its holder has not signed are not served (default: any)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from rmsnet.serving.jobs import JobLimits
    from rmsnet.serving.limits import MIB, Limits
    from rmsnet.serving.server import serve

    limits = Limits(
        memory_bytes=options.memory * MIB,
        at_once=options.at_once,
        upload_seconds=options.upload_seconds,
        stall_seconds=options.stall_seconds,
    )
    serve(
        options.model,
        options.host,
        options.port,
        limits,
        threads=options.threads,
        api_key_file=options.api_key_file,
        shadow=options.shadow,
        challenger_share=options.challenger_share,
        jobs_folder=options.jobs,
        job_limits=JobLimits(
            most=options.jobs_most,
            video_bytes=options.job_mib * MIB,
            urls=tuple(options.job_url),
            memory_bytes=options.job_memory_mib * MIB,
        ),
        key=options.require_signed,
    )
