# cython: language_level=3, boundscheck=False, wraparound=False
"""Making a log durable in a thread without Python's lock; see the twin `_syncing_py` for the rules."""

import ctypes
import os

cimport cython
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint64_t
from posix.unistd cimport getpid

from thft.base.errors import LocalError
from thft.stream.disk import JournalPoisoned, disk_error
from thft.stream.watermark import DURABLE_AT

cdef extern from "syncing_core.h" nogil:
    ctypedef int (*thft_sync_call)(int fd)
    ctypedef struct thft_syncer:
        int failed_fd
    int thft_syncer_start(thft_syncer *s, uint64_t seq, void *mark)
    int thft_syncer_begin(thft_syncer *s, int fd)
    void thft_syncer_written(thft_syncer *s, uint64_t seq, uint64_t count)
    void thft_syncer_ring(thft_syncer *s)
    int thft_syncer_wait(thft_syncer *s)
    void thft_syncer_stop(thft_syncer *s, int has_thread)
    void thft_syncer_interpose(thft_syncer *s, thft_sync_call call)
    uint64_t thft_syncer_durable(thft_syncer *s)
    uint64_t thft_syncer_unsynced(thft_syncer *s)
    int thft_syncer_failure(thft_syncer *s)

SyncCall = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)


@cython.no_gc_clear
cdef class Syncer:
    """Takes files that have a descriptor; its thread runs from the first moment to `stop`."""

    cdef thft_syncer core
    cdef Py_buffer mark
    cdef int owner
    cdef bint mapped, running
    cdef dict names
    cdef list calls

    def __init__(self, uint64_t seq, watermark):
        cdef void *place = NULL
        self.names, self.calls = {}, []
        if watermark is not None:
            PyObject_GetBuffer(watermark.memory, &self.mark, PyBUF_WRITABLE)
            self.mapped = True
            place = <char *> self.mark.buf + <Py_ssize_t> DURABLE_AT
        failed = thft_syncer_start(&self.core, seq, place)
        if failed:
            raise LocalError(f"no thread for the journal: {os.strerror(failed)}", "raise ulimit -u")
        self.owner = getpid()
        self.running = True

    @property
    def durable_seq(self):
        return thft_syncer_durable(&self.core)

    @property
    def unsynced_bytes(self):
        return thft_syncer_unsynced(&self.core)

    def check(self):
        cdef int failure = thft_syncer_failure(&self.core)
        if failure:
            name = self.names[self.core.failed_fd]
            error = OSError(failure, os.strerror(failure))
            raise JournalPoisoned(disk_error("fdatasync", name, error))

    def begin(self, file):
        self.names[file.fd] = file.name
        if not thft_syncer_begin(&self.core, file.fd):
            raise LocalError("too many full segments wait for the disk", "raise segment_mib")

    def written(self, uint64_t seq, uint64_t count):
        thft_syncer_written(&self.core, seq, count)

    def ring(self):
        if thft_syncer_unsynced(&self.core):
            thft_syncer_ring(&self.core)

    def sync_now(self):
        cdef bint durable = False
        if self.running and self.owner == getpid():
            with nogil:
                durable = thft_syncer_wait(&self.core)
        self.check()
        if not durable and thft_syncer_unsynced(&self.core):
            raise LocalError("the journal is closed", "open it again")

    def stop(self):
        self.end()

    def interpose(self, call):
        """`call` runs in the thread and takes Python's lock for that time."""
        cdef size_t place = 0
        if call is not None:
            taken = SyncCall(call)
            self.calls.append(taken)  # the thread may be inside one that is replaced
            place = ctypes.cast(taken, ctypes.c_void_p).value
        thft_syncer_interpose(&self.core, <thft_sync_call> place)

    cdef void end(self) noexcept:
        cdef bint has_thread = self.owner == getpid()
        if self.running:
            self.running = False
            with nogil:
                thft_syncer_stop(&self.core, has_thread)
        if self.mapped:
            self.mapped = False
            PyBuffer_Release(&self.mark)

    def __dealloc__(self):
        self.end()
