# The command `ssekit collect FILE...`: turns recorded streams into lines of JSON, on all cores.
#
# How it works:
# 1. The files are divided into batches; a pool of processes collects a few batches ahead, and their
#    lines are written in order.
# 2. When a process dies, the pool is broken, and the batch that broke it is unknown. A pool of one
#    process then takes the files of the first unfinished batch one by one, which shows the file; a
#    new pool continues with the other batches.
#
# What always holds here:
# - Each file has its line, in the order of the arguments. A bad file affects only its own line,
#   even if it kills the process that reads it.
# - Memory is bounded: a few batches for each process, whatever the length of the archive.
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
from glob import escape, glob
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from time import perf_counter
from typing import NamedTuple, TypeAlias

from ssekit import archive
from ssekit._command.options import add_format, as_format
from ssekit._command.terminal import Output, json_line
from ssekit._json import join_surrogates

# A batch takes about 10 ms to collect, so that the 0.2 ms to send it to a process are negligible. A
# large file is a batch of its own.
_BATCH_SIZE = 2**20  # bytes
_BATCH_LENGTH = 64  # files

# Batches for each process that are submitted and not yet written.
_AHEAD = 4

# Windows can wait for 61 processes at most; 1,024 is more than any machine has cores.
_MOST_JOBS = 61 if sys.platform == "win32" else 2**10


class Lines(NamedTuple):
    """The lines of a batch of files."""

    text: str
    files: int
    unfinished: int  # the number of files whose stream is not finished


Batch: TypeAlias = list[str]
# A function that collects files of a format: `collect_batch`, or a test's own.
Collect: TypeAlias = Callable[[Batch, str], Lines]


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
    except OSError as error:  # the results cannot be written, or no process started
        err.write(f"ssekit: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssekit collect",
        description="Collect recorded streams: a line of JSON for each file, in order, with its "
        "file, format, state, ended_by, and result or error.",
        epilog="The exit status is 0 if every file is a finished stream, 1 if any is not (its line "
        "has the error), 2 for misuse.",
    )
    what = "a recorded stream, also as .gz; or a folder, for all files in it but the hidden ones"
    parser.add_argument("files", nargs="+", metavar="FILE", help=what)
    parser.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        # `process_cpu_count`, since Python 3.13, knows which cores this process may use.
        default=getattr(os, "process_cpu_count", os.cpu_count)() or 1,
        metavar="N",
        help="how many processes; by default one for each core",
    )
    add_format(parser)
    what = "the file that is written; by default standard output"
    parser.add_argument("-o", "--output", default="-", metavar="RESULTS", help=what)
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
        shows_progress = err.is_terminal and not out.is_terminal  # or else the lines show it
        names = [name for given in arguments.files for name in _files(given)]
        files, unfinished, start = 0, 0, perf_counter()
        if shows_progress:
            stack.callback(err.write, "\n")
            err.overwrite(f"{len(names)} files")
        results = _results(list(_batches(names)), arguments.format, arguments.jobs)
        for lines in stack.enter_context(closing(results)):
            out.write(lines.text)
            files += lines.files
            unfinished += lines.unfinished
            if shows_progress:
                rate = files / (perf_counter() - start)
                err.overwrite(
                    f"{files} of {len(names)} files, {unfinished} of them not finished, "
                    f"{rate:.1f} a second, {(len(names) - files) / rate:.0f} s left"
                )
        return 1 if unfinished else 0


# Dividing the files among processes.


def _files(name: str) -> list[str]:
    """Return a file alone; for a folder, the files in it at any depth, without the hidden ones."""
    inner = glob(os.path.join(escape(name), "**"), recursive=True) if os.path.isdir(name) else []
    return sorted(filter(os.path.isfile, inner)) or [name]


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
    except OSError:  # its record will have the reason
        return 0


def _results(batches: list[Batch], format: str, jobs: int) -> Generator[Lines, None, None]:
    jobs = min(jobs, len(batches), _MOST_JOBS)
    if jobs == 1:
        return (collect_batch(batch, format) for batch in batches)
    return on_processes(batches, format, jobs)


def collect_batch(batch: Batch, format: str) -> Lines:
    """Collect some files, and return their lines: a process sends text faster than records."""
    wire_format = as_format(format)  # in this process, since a Format does not pickle
    records = [archive.collect(file, format=wire_format) for file in batch]
    return _lines(records)


def _lines(records: list[archive.Record]) -> Lines:
    text = "".join(map(json_line, records))
    return Lines(text, len(records), sum(record.state != "done" for record in records))


def on_processes(
    batches: Iterable[Batch], format: str, jobs: int, collect: Collect = collect_batch
) -> Generator[Lines, None, None]:
    """Yield the lines of each batch, in their order."""
    left = deque(batches)
    while left:
        futures: deque[Future[Lines]] = deque()  # for the first of the batches that are left
        pool = _pool(jobs)
        try:
            while left:
                for batch in islice(left, len(futures), _AHEAD * jobs):
                    futures.append(pool.submit(collect, batch, format))
                lines = futures.popleft().result()
                left.popleft()
                yield lines
        except BrokenProcessPool:
            # Another batch may have broken the pool. It will be the first one of a later pool.
            batch = left.popleft()
            if jobs == 1 and len(batch) == 1:  # a process alone takes its files in order
                yield _lines([_failed_record(*batch)])
            else:
                yield from on_processes([[file] for file in batch], format, 1, collect)
        finally:
            pool.shutdown(cancel_futures=True)


def _failed_record(file: str) -> archive.Record:
    error = archive.Failure(type="BrokenProcessPool", message="the process that read it has died")
    name = join_surrogates(file)
    return archive.Record(file=name, format=None, state="failed", ended_by=None, error=error)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), end_with_parent)


def end_with_parent() -> None:
    """Let an interrupt, or the end of the parent process, end this process at once and quietly."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # When the parent is killed, the processes of a pool would wait for ever.
    parent = parent_process()
    assert parent is not None
    Thread(target=_exit_after, args=[parent], daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
