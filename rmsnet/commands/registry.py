"""rmsnet registry: what is in the model registry, how it gets there, and the way back."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of
from rmsnet.errors import CheckFailed, UserError
from rmsnet.style.tables import as_text
from rmsnet.style.words import marked, percent


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("registry", help="the model registry: register, list, promote, roll back")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    register = actions.add_parser("register", help="register the best of some models; the gate decides on @champion")
    register.add_argument("models", type=Path, nargs="+", help="model folders (rmsnet train)")
    add_folder(register, "evaluation", "folder with the evaluation of each model")
    _finish_gate(register, run_register)

    promote = actions.add_parser("promote", help="ask the gate about a version that is registered")
    promote.add_argument("version", nargs="?", help="number or alias (default: @challenger)")
    promote.add_argument("--force", action="store_true", help="promote it whatever the gate says; needs --reason")
    promote.add_argument("--reason", metavar="WHY", help="of --force; it stays in history, card and page")
    _finish_gate(promote, run_promote)

    rollback = actions.add_parser("rollback", help="make an earlier champion champion again")
    rollback.add_argument("--to", type=int, metavar="VERSION", help="(default: @previous)")
    rollback.add_argument("--reason", required=True, help="recorded in the history")
    finish(rollback, run_rollback)

    finish(actions.add_parser("list", help="versions, their scores and aliases"), run_list)
    history = actions.add_parser("history", help="every change of an alias: who, when, from, to, why")
    history.add_argument("--short", action="store_true", help="a sentence for each")
    history.add_argument(
        "--page", type=Path, metavar="FILE", help="write the champions over time: FILE.html, .png, .svg and .csv"
    )
    finish(history, run_history)

    gate = actions.add_parser("gate", help="what the gate's games have borne and what the next question can see")
    add_folder(gate, "features", "frame banks with the gate's split", "features")
    gate.add_argument(
        "--explain", action="store_true", help="show every question that counts, and challengers in the shadow"
    )
    finish(gate, run_gate)

    finish(actions.add_parser("audit", help="do history, aliases, tags and files agree? 1: no"), run_audit)

    verify = actions.add_parser("verify", help="compute a version's decision again from what the store holds")
    verify.add_argument("version", help="number or alias")
    verify.add_argument(
        "--require-signed", type=Path, metavar="KEY", help="public key whose holder has signed it (PEM)"
    )
    finish(verify, run_verify)

    sign = actions.add_parser("sign", help="sign a version's files with a key (OpenSSF Model Signing)")
    sign.add_argument("version", help="number or alias")
    sign.add_argument("--key", type=Path, required=True, help="private key, an elliptic curve in PEM")
    finish(sign, run_sign)

    compare = actions.add_parser("compare", help="score two versions on the same games; differences are B minus A")
    compare.add_argument("versions", nargs=2, metavar=("A", "B"), help="number or alias")
    add_folder(compare, "features", "frame banks with a validation split")
    finish(compare, run_compare)

    export = actions.add_parser("export", help="publish a version for those who have no registry")
    export.add_argument("version", help="number or alias")
    export.add_argument(
        "--out", required=True, metavar="PLACE", help="folder, hf://ORGANISATION/NAME or s3://BUCKET/PREFIX"
    )
    export.add_argument(
        "--format",
        choices=("safetensors", "onnx"),
        default="safetensors",
        help="of the weights; onnx: for ONNX Runtime, without PyTorch (default: safetensors)",
    )
    finish(export, run_export)

    store = actions.add_parser("store", help="which store this is; a pipeline registers again where that changes")
    store.add_argument("--out", type=Path, metavar="FILE", help="write it here too, as JSON")
    finish(store, run_store)

    sync = actions.add_parser("sync", help="bring runs that waited for the MLflow server to it")
    finish(sync, run_sync, params=False)


def _finish_gate(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], Any]) -> None:
    add_folder(parser, "features", "frame banks the models are judged on")
    parser.add_argument("--validation", type=Path, help="folder of the data's validation report (rmsnet validate)")
    add_folder(parser, "out", "folder for the decision")
    finish(parser, run)


def run_register(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.stage import register_stage

    decision = register_stage(
        options.models, options.evaluation, options.features, options.out, params, validation=options.validation
    )
    if not options.json:
        print((options.out / "summary.md").read_text(encoding="utf-8"), end="")
    return asdict(decision)


def run_promote(options: argparse.Namespace) -> Any:
    params = params_of(options)
    if options.force != bool((options.reason or "").strip()):
        raise UserError("--force and --reason belong together: a forced act says why, and the gate asks no reason")

    from rmsnet.registry.report import verdict
    from rmsnet.registry.stage import promote

    decision = promote(
        options.version,
        options.features,
        options.out,
        params,
        validation=options.validation,
        force=options.reason,
    )
    if not options.json:
        print(f"{verdict(decision)}; {options.out}/decision.md")
    return asdict(decision)


def run_rollback(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.history import as_json
    from rmsnet.registry.stage import rollback

    change = rollback(params.register.model_name, options.reason, options.to)
    if not options.json:
        print(f"{params.register.model_name}: {change.text}")
    return as_json(change)


def run_list(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet import tracking
    from rmsnet.registry.history import settle
    from rmsnet.registry.taken_back import standing

    changes, _ = settle(name)
    versions = tracking.versions(name)
    if not options.json:
        rows = [
            {
                "version": version.version,
                "alias": " ".join(f"@{alias}" for alias in version.aliases),
                "variant": version.tags.get("variant", ""),
                "valid": _percent(version.tags.get("valid_average_map")),
                "test": _percent(version.tags.get("test_average_map")),
                "data": marked(version.tags.get("dataset", ""), version.tags.get("simulated") == "true"),
                "decision": standing(version, changes),
                "commit": version.tags.get("git.commit", "")[:8],
            }
            for version in versions
        ]
        print(as_text(rows) if rows else f"{name}: no version yet; make one with: rmsnet registry register")
    return [asdict(version) for version in versions]


def run_history(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet import tracking
    from rmsnet.registry.history import as_json, settle
    from rmsnet.registry.telling import told

    changes, _ = settle(name)
    if options.page is not None:
        from rmsnet.registry.champions import write_champions

        write_champions(options.page, name, changes)
    if not options.json:
        versions = {version.version: version for version in tracking.versions(name)}
        rows = [
            {
                "change": change.number,
                "when": change.when,
                "who": f"{change.who} in {change.where.partition(':')[2]}" if change.kind == "forced" else change.who,
                "what": change.kind if change.holds else f"{change.kind} (came too late)",
                "moves": change.text,
                "why": change.why,
            }
            for change in changes
        ]
        short = "\n".join(f"{change.number}  {told(change, versions)}" for change in changes)
        text = short if options.short else as_text(rows) if rows else ""
        print(text or f"{name}: nothing has happened yet")
    return [as_json(change) for change in changes]


def run_gate(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.asking import as_json, as_lines, standing

    found = standing(options.features, params.register)
    if not options.json:
        print(as_lines(found, options.explain))
    return as_json(found)


def run_audit(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet.registry.audit import differences

    changes, found = differences(name)
    if found:
        raise CheckFailed(f"{name}: {len(found)} difference{'s' * (len(found) > 1)}: {'; '.join(found)}")
    if not options.json:
        print(f"{name}: {len(changes)} records; aliases, tags, levels and files are as they say")
    return {"records": len(changes), "differences": found}


def run_verify(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet.registry.verifying import verify

    found = verify(name, options.version, options.require_signed)
    if not options.json:
        rows = [{"": what, "recorded": repr(told), "now": repr(now)} for what, (told, now) in found.numbers.items()]
        print(f"{name} version {found.version} against {found.champion}, record {found.record}: {found.kind}, again")
        print(as_text(rows))
    return asdict(found)


def run_sign(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet.registry.signing import sign

    version, place = sign(name, options.version, options.key)
    if not options.json:
        print(f"{name} version {version.version}: signed with {options.key}; {place}")
    return {"version": version.version, "signature": place}


def run_compare(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.gate import CONFIDENCE
    from rmsnet.registry.report import class_rows
    from rmsnet.registry.stage import compare

    made, classes, first, second = compare(options.versions[0], options.versions[1], options.features, params)
    one, two = f"version {first.version}", f"version {second.version}"
    differences = {"Average-mAP": (made.difference, made.low, made.high)} | {
        name: (float(value), float(low), float(high))
        for name, value, low, high in zip(classes, made.class_difference, made.class_low, made.class_high, strict=True)
    }
    if not options.json:
        print(
            f"{one} {100 * made.champion:.2f}, {two} {100 * made.challenger:.2f} (Average-mAP, %) on {made.games} "
            f"games; {two} minus {one} with {100 * CONFIDENCE:g} % bounds:"
        )
        print(as_text(class_rows(differences, of="", called=f"minus {one}")))
    return {
        "versions": [first.version, second.version],
        "average_map": [made.champion, made.challenger],
        "games": made.games,
        "differences": {
            name: dict(zip(("value", "low", "high"), numbers, strict=True)) for name, numbers in differences.items()
        },
    }


def run_export(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet.registry.publishing import export_version

    done = export_version(name, options.version, options.out, options.format)
    if not options.json:
        print(f"{name} version {done['version']}: {done['out']}: {', '.join(done['files'])}")
    return done


def run_store(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet import tracking
    from rmsnet.files import write_json

    identity = tracking.store_identity(name)
    if options.out is not None:
        write_json(options.out, identity)
    if not options.json:
        lost = f"; it has lost the champion of {name}" if identity["lost_champion"] else ""
        print(f"{tracking.shown(tracking.tracking_uri())}: {identity['store']}{lost}")
    return identity


def run_sync(options: argparse.Namespace) -> Any:
    from rmsnet import tracking

    synced = tracking.sync()
    if not options.json:
        for run in synced:
            print(f"{run.name}: run {run.run_id}")
        print(f"{len(synced)} runs brought to {tracking.tracking_uri()}")
    return [asdict(run) for run in synced]


def _percent(value: str | None) -> str:
    return percent(None if value is None else float(value), 2)
