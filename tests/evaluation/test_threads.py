"""Work on all cores."""

from itertools import chain

from threadpoolctl import threadpool_info, threadpool_limits

from rmsnet.evaluation.threads import in_threads


def threads_of_products(_: object = None) -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_what_it_makes_comes_in_order():
    assert list(in_threads(lambda number: number**2, range(20))) == [number**2 for number in range(20)]


def test_a_product_takes_one_thread_meanwhile_and_as_many_as_before_afterwards():
    """Those of a product and ours would wait for one another, at twice the processor time."""
    with threadpool_limits(2, "blas"):
        assert set(chain.from_iterable(in_threads(threads_of_products, range(4)))) == {1}
        assert threads_of_products() == {2}
