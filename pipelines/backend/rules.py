"""Every rule, held against a compiled pipeline."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipelines.backend import caching, credentials, names, pages, retries, size
from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document

Level = Literal["fault", "warning", "note"]


@dataclass(frozen=True)
class Rule:
    """Something that the backend does.

    Attributes:
        name: of the rule.
        level: a "fault" cannot work, a "warning" works otherwise than it looks, a "note" is to be known.
        says: what the backend does.
        read_in: version and file where that was read; "seen": it was also seen on a cluster.
        broken: (where, what, what to do) for each place of a pipeline that the rule speaks of.
    """

    name: str
    level: Level
    says: str
    read_in: str
    broken: Callable[[Document, Assumptions], Iterator[tuple[str, str, str]]]


@dataclass(frozen=True)
class Finding:
    """A place of a pipeline that a rule speaks of."""

    rule: Rule
    where: str
    what: str
    do: str

    @property
    def line(self) -> str:
        return f"{self.where}: {self.what}; {self.do}" if self.do else f"{self.where}: {self.what}"


RULES: tuple[Rule, ...] = (
    Rule(
        "retries are for lost pods",
        "note",
        "The stock controller sets retryPolicy OnError for every template: a pod that is deleted, evicted or lost runs "
        "again, a container that ends with another status than 0 or is killed for memory does not.",
        "KFP 2.17.0 manifests/kustomize/third-party/argo/base/workflow-controller-configmap-patch.yaml, Argo 4.0.5 "
        "workflow/controller/operator.go processNodeRetries; seen",
        retries.only_for_lost_pods,
    ),
    Rule(
        "how long a run is kept is the controller's",
        "warning",
        "The stock controller sets secondsAfterSuccess and secondsAfterFailure of every workflow to an hour. They go "
        "before secondsAfterCompletion, which is what a pipeline can say.",
        "KFP 2.17.0 manifests/kustomize/third-party/argo/base/workflow-controller-configmap-patch.yaml, "
        "backend/src/v2/compiler/argocompiler/argo.go buildTTLStrategy, Argo 4.0.5 workflow/gccontroller/"
        "gc_controller.go ttl; seen",
        retries.kept_as_the_controller_says,
    ),
    Rule(
        "the window holds all attempts",
        "fault",
        "backoffMaxDuration counts from the start of the first attempt; an attempt that would begin or still run "
        "behind it is not started, or is killed.",
        "Argo 4.0.5 workflow/controller/operator.go processNodeRetries; seen",
        retries.window_too_small,
    ),
    Rule(
        "behind an uncached task nothing is a hit",
        "warning",
        "The ids of input artifacts are in the key; a task that is never cached makes new ones every time.",
        "KFP 2.17.0 backend/src/v2/cacheutils/cache.go GenerateCacheKey; seen",
        caching.never_hit,
    ),
    Rule(
        "a moved tag is a stale hit",
        "warning",
        "The key holds the image's name and not its content.",
        "KFP 2.17.0 backend/src/v2/driver/cache.go getFingerPrint",
        caching.moving_image,
    ),
    Rule(
        "a workflow fits into etcd",
        "fault",
        "Argo keeps the state of a run in one object and gives up when that is larger than 1 MiB with its nodes "
        "compressed, unless it may offload them to a database.",
        "Argo 4.0.5 workflow/packer/packer.go; seen",
        size.workflow_too_large,
    ),
    Rule(
        "what a pod is handed is one argument",
        "fault",
        "The launcher gets all inputs as one command line argument, and Linux takes 128 KiB in one.",
        "KFP 2.17.0 backend/src/v2/driver/driver.go initPodSpecPatch, Linux MAX_ARG_STRLEN; seen",
        size.argument_too_large,
    ),
    Rule(
        "groups are called by their keys",
        "warning",
        "The graph names layers by the key of the group's task and leaves its display name aside.",
        "KFP 2.17.0 frontend/src/lib/v2/StaticFlow.ts, DynamicFlow.ts; seen",
        names.unnamed_groups,
    ),
    Rule(
        "every group is a layer",
        "warning",
        "A group opens as a layer of its own, a loop as two: its iterations, then what one of them holds. "
        "More than three are a search.",
        "KFP 2.17.0 frontend/src/lib/v2/DynamicFlow.ts; seen",
        names.too_deep,
    ),
    Rule(
        "an Error multiplies",
        "note",
        "Every template may run three times when its pod cannot be made or is lost, those of the groups around it too.",
        "KFP 2.17.0 workflow-controller-configmap-patch.yaml templateDefaults; seen: 27 pods for a refused volume",
        names.error_multiplies,
    ),
    Rule(
        "a claim's name becomes a volume's",
        "fault",
        "Volumes are named like the claims and secrets they mount, and names of volumes have no dots and at most 63 "
        "characters.",
        "KFP 2.17.0 backend/src/v2/driver/k8s.go makeVolumeMountPatch; seen",
        names.volume_names,
    ),
    Rule(
        "pages in a loop",
        "warning",
        "The artifact's own node shows the last iteration's page in every iteration.",
        "KFP 2.17.0 frontend/src/lib/v2/DynamicFlow.ts getArtifactNodeKeyToArtifact; seen",
        pages.in_loops,
    ),
    Rule(
        "an exit handler is told little",
        "warning",
        "PipelineTaskFinalStatus: state is COMPLETE, FAILED or RUNNING (RUNNING for a task killed by its time limit "
        "and in a terminated run), the error is always empty.",
        "KFP 2.17.0 backend/src/v2/driver/resolve.go resolveInputParameter; seen",
        pages.final_status,
    ),
    Rule(
        "a container's variables are the launcher's",
        "warning",
        "The launcher that uploads outputs is the container's own first process: credentials of AWS or Google among "
        "the variables become its own wherever the object store takes them from the environment.",
        "KFP 2.17.0 backend/src/v2/component/launcher_v2.go execute, objectstore/object_store.go; seen with fromEnv",
        credentials.in_environment,
    ),
)


def findings(document: Document, assumed: Assumptions) -> list[Finding]:
    """What every rule says of a pipeline, faults first."""
    found = [Finding(rule, *place) for rule in RULES for place in rule.broken(document, assumed)]
    order = {"fault": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda finding: order[finding.rule.level])
