# The command `ssekit collect FILES`: folds recorded streams to lines of JSON, on all cores.
#
# What always holds here:
# - Each file has its line, in the order in which they were given. One bad file costs only its own:
#   also one that the process which reads it does not survive.
# - What is held is bounded: a few batches for each process, whatever the length of the archive.
# - Processes are spawned, not forked: the same on every system, and safe beside threads.

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import NamedTuple, TypeAlias

from ssekit import archive, auto
from ssekit._command.terminal import Output, json_line
from ssekit._json import join_surrogates

__all__ = ["main"]

# What a process is handed at a time: as many files as it folds in about 10 ms, against which the
# handing over (0.2 ms) does not count; a large file goes alone.
_BATCH_SIZE = 2**20  # bytes
_BATCH_LENGTH = 64  # files

# Batches for each process that are on their way, or wait for one that was given before them.
_AHEAD = 4

# Windows waits for no more processes at a time; nobody has more cores than the other.
_MOST_JOBS = 61 if sys.platform == "win32" else 2**10


class Lines(NamedTuple):
    """What a batch of files came to."""

    text: str
    files: int
    unfinished: int  # how many of these are no finished stream


Batch: TypeAlias = list[str]
# Names of files, and the name of their format, to their lines.
Fold: TypeAlias = Callable[[Batch, str], Lines]


class _Arguments(argparse.Namespace):
    files: list[str]
    jobs: int
    format: str
    output: str


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    arguments = _parser().parse_args(argv, _Arguments())
    err = Output(sys.stderr)
    try:
        return _run(arguments, err)
    except BrokenPipeError:
        raise
    except OSError as error:  # the results cannot be written, or no process be started
        err.write(f"ssekit: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssekit collect",
        description="Fold recorded streams: a line of JSON for each file, in their order, with its "
        "file, format, state, ended_by, and result or error.",
        epilog="The exit status is 0 if every file is a finished stream, 1 if any is not (its line "
        "says why), 2 for misuse.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recorded stream")
    parser.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        # `process_cpu_count`, since Python 3.13, knows which cores this process may use.
        default=getattr(os, "process_cpu_count", os.cpu_count)() or 1,
        metavar="N",
        help="how many processes; by default one for each core",
    )
    parser.add_argument(
        "--format",
        choices=("auto", *auto.FORMATS),
        default="auto",
        help="what the streams are; by default the first events of each tell",
    )
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="RESULTS",
        help="the file that is written; by default standard output",
    )
    return parser


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def _run(arguments: _Arguments, err: Output) -> int:
    with ExitStack() as stack:
        file = sys.stdout
        if arguments.output != "-":
            file = stack.enter_context(open(arguments.output, "w", encoding="utf-8", newline="\n"))
        out = Output(file)
        progress = _Progress(len(arguments.files))
        shows = err.is_terminal and not out.is_terminal  # where the lines come, they are progress
        if shows:
            stack.callback(err.write, "\n")
            err.overwrite(str(progress))
        batches = list(_batches(arguments.files))
        folded = _folded(batches, arguments.format, arguments.jobs)
        for lines in stack.enter_context(closing(folded)):
            out.write(lines.text)
            progress.add(lines)
            if shows:
                err.overwrite(str(progress))
        return 1 if progress.unfinished else 0


class _Progress:
    def __init__(self, files: int) -> None:
        self._all = files
        self._files = 0
        self.unfinished = 0

    def add(self, lines: Lines) -> None:
        self._files += lines.files
        self.unfinished += lines.unfinished

    def __str__(self) -> str:
        return f"{self._files} of {self._all} files, {self.unfinished} of them not finished"


# How the files are divided among processes.


def _batches(files: Iterable[str]) -> Iterator[Batch]:
    batch: Batch = []
    size = 0
    for file in files:
        length = _size(file)
        if batch and (size + length > _BATCH_SIZE or len(batch) == _BATCH_LENGTH):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += length
    yield batch


def _size(file: str) -> int:
    try:
        return os.path.getsize(file)
    except OSError:  # whoever opens it will say why
        return 0


def _folded(batches: list[Batch], format: str, jobs: int) -> Generator[Lines, None, None]:
    jobs = min(jobs, len(batches), _MOST_JOBS)
    if jobs == 1:
        return (fold(batch, format) for batch in batches)
    return on_processes(batches, format, jobs)


def fold(batch: Batch, format: str) -> Lines:
    """Fold some files. In a process of its own this has only a short text to send back."""
    records = [archive.collect(file, format=format) for file in batch]
    return _lines(records)


def _lines(records: list[archive.Record]) -> Lines:
    text = "".join(map(json_line, records))
    return Lines(text, len(records), sum(record.state != "done" for record in records))


def on_processes(
    batches: Iterable[Batch], format: str, jobs: int, fold: Fold = fold
) -> Generator[Lines, None, None]:
    """Yield what `fold` gives for each batch, in their order."""
    left = deque(batches)
    while left:
        futures: deque[Future[Lines]] = deque()  # of the first of those that are left
        pool = _pool(jobs)
        try:
            while left:
                for batch in islice(left, len(futures), _AHEAD * jobs):
                    futures.append(pool.submit(fold, batch, format))
                lines = futures.popleft().result()
                left.popleft()
                yield lines
        except BrokenProcessPool:
            # A process died, nobody knows of which batch. The first one goes on alone, the others
            # in another pool, where each of them will be the first.
            yield from _alone(left.popleft(), format, fold)
        finally:
            pool.shutdown(cancel_futures=True)


def _alone(batch: Batch, format: str, fold: Fold) -> Iterator[Lines]:
    """Fold a batch in a process of its own; if that dies, its halves, down to the one file."""
    try:
        with _pool(1) as pool:
            yield pool.submit(fold, batch, format).result()
    except BrokenProcessPool:
        if len(batch) == 1:
            yield _lines([_deadly(batch[0])])
            return
        middle = len(batch) // 2
        yield from _alone(batch[:middle], format, fold)
        yield from _alone(batch[middle:], format, fold)


def _deadly(file: str) -> archive.Record:
    error = archive.Failure(type="BrokenProcessPool", message="the process that read it has died")
    name = join_surrogates(file)
    return archive.Record(file=name, format=None, state="failed", ended_by=None, error=error)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), follow)


def follow() -> None:
    """End this process, at once and quietly, by an interrupt and when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # A pool does not see to it: where the parent is killed, its processes would wait for ever.
    parent = parent_process()
    assert parent is not None
    Thread(target=_end_with, args=[parent], daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
