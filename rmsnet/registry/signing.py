"""Signatures of versions as OpenSSF Model Signing defines them: a Sigstore bundle over all files of a model.

    openssl ecparam -name prime256v1 -genkey -noout -out model.key
    openssl ec -in model.key -pubout -out model.pub
    rmsnet registry sign @champion --key model.key
    rmsnet serve models:/rmsnet@champion --require-signed model.pub

The hash in a version's tags says that its files are those that were registered; whoever may write to the store may
write that too. A signature can be made by the holder of the private key alone.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rmsnet import tracking
from rmsnet.errors import CheckFailed, UserError, one_line
from rmsnet.registry.versions import find_version, registered

if TYPE_CHECKING:
    from rmsnet.tracking import Version

SIGNATURE_TAG = "signature"
"""On a version that was signed: where among the files of its run the signature lies."""

SIGNATURE_FILE = "model.sig"

_NOTES = ("registered_model_meta",)
"""What MLflow writes beside a model when it is fetched."""


def sign(name: str, reference: str, key: Path) -> tuple["Version", str]:
    """Sign the files of a version; the signature is kept in the run that trained it. Signed again, the last one counts.

    Returns the version and where its signature is.

    Args:
        name: of the registered model.
        reference: number or alias of the version.
        key: private key, an elliptic curve (P-256, P-384, P-521) in PEM.

    Raises:
        UserError: no such version or key, files that are not those that were registered, model-signing is missing.
    """
    version = find_version(name, reference)
    signer = _with_key(key, lambda: _config("signing").use_elliptic_key_signer(private_key=key))
    folder = tracking.fetch_model(f"models:/{name}/{version.version}")
    inside = f"signatures/version-{version.version}"
    place = f"runs:/{version.run_id}/{inside}"
    with TemporaryDirectory(prefix="rmsnet-") as temporary:
        signer.set_hashing_config(_hashing(folder)).sign(folder, Path(temporary) / SIGNATURE_FILE)
        tracking.log_to_run(version.run_id, Path(temporary), inside)
    tracking.tag_version(name, version.version, {SIGNATURE_TAG: place})
    return version, place


def require_signed(model: str, folder: Path, key: Path) -> None:
    """Refuse a version that the holder of the private key has not signed, or whose files are others than those signed.

    Args:
        model: models:/NAME@ALIAS or models:/NAME/VERSION.
        folder: the files of that version, as they were fetched and will be used.
        key: the public key in PEM.

    Raises:
        UserError: no such key or version, or nobody has signed it.
        CheckFailed: another key's signature, or other files.
    """
    verifier = _with_key(key, lambda: _config("verifying").use_elliptic_key_verifier(public_key=key))
    name, version = registered(model)
    where = f"{name} version {version.version}"
    if SIGNATURE_TAG not in version.tags:
        raise UserError(f"{where}: nobody has signed it; rmsnet registry sign {version.version} --key FILE")
    signature = tracking.fetch_artifacts(version.tags[SIGNATURE_TAG]) / SIGNATURE_FILE
    try:
        verifier.set_hashing_config(_hashing(folder)).verify(folder, signature)
    except OSError:
        raise UserError(f"{where}: its signature {version.tags[SIGNATURE_TAG]} is gone; sign it again") from None
    except Exception as error:  # the library and the formats below it have no error of their own
        why = one_line(error)
        if "Key mismatch" in why or not why:
            why = "it was signed with another key"
        raise CheckFailed(f"{where}: its signature does not hold by {key}: {why}") from None


def _config(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"model_signing.{module}").Config()
    except ImportError:
        raise UserError("signatures need the package model-signing: pip install 'rmsnet[signing]'") from None


def _hashing(folder: Path) -> Any:
    """Of every file but what is written beside a model when it is used."""
    from model_signing import hashing

    compiled = [path.relative_to(folder) for path in folder.rglob("*.pyc")]
    config: Any = hashing.Config()  # type: ignore[no-untyped-call]  # the library is half typed
    return config.set_ignored_paths(paths=[*_NOTES, *compiled], ignore_git_paths=False)


def _with_key(key: Path, use: Callable[[], Any]) -> Any:
    """What is made with a key; a file that holds none is told of in one line."""
    try:
        return use()
    except OSError as error:
        raise UserError(f"{key}: cannot be read ({error.strerror}); name the PEM file of the key") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{key}: is no key that signs models, a P-256 key in PEM ({one_line(error)})") from None
