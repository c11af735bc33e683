"""Where a dataset comes from: a folder that is here, an object store, or a DVC revision."""

from pathlib import Path

from rmsnet.dataset.buckets import fetch_objects
from rmsnet.dataset.revisions import fetch_revision
from rmsnet.errors import UserError
from rmsnet.files import followed, replace_folder
from rmsnet.locks import alone


@alone
def fetch(source: str, revision: str, out: Path) -> Path:
    """The folder of a dataset, brought to this machine where it is not here already.

    Args:
        source: a folder, which is used where it lies; s3://bucket/prefix; or, with a revision, a git repository whose
            DVC tracks the dataset, as URL or URL#path.
        revision: commit, tag or branch of that repository; "" for the others.
        out: folder for what has to be fetched; it appears when all of it is there. What comes out of DVC holds its
            pointer too, so that `rmsnet.provenance.dvc_md5` knows it wherever it goes.

    Returns:
        The source's own folder, or `out`.

    Raises:
        UserError: no such folder, bucket, repository, revision or dataset in it, or no access to it.
    """
    if revision:
        fetch_revision(source, revision, _partial(out))
        replace_folder(_partial(out), out)
    elif source.startswith("s3://"):
        fetch_objects(source, _partial(out))
        replace_folder(_partial(out), out)
    elif "://" in source:
        raise UserError(f"{source}: give a revision with a git repository; object stores are named s3://bucket/prefix")
    else:
        if not Path(source).is_dir():
            raise UserError(f"{source}: no such folder; is the data's volume mounted?")
        return Path(source)
    return out


def _partial(out: Path) -> Path:
    out = followed(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_name(f".{out.name}.fetching")
