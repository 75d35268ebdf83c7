/* The thread that makes a log durable, in C; included by `_syncing`. It never takes Python's lock.

   Two sides share this struct without a lock. The kernel's thread stores what it has written and
   which files it has begun; the syncing thread stores what is durable. A round loads, in this
   order, the written bytes, the written seq and the number of begun files: each is at least as new
   as the one before, and all of it had been written before the round's first fdatasync begins.
   The mutex serves callers of `thft_syncer_wait` alone.

   Woken on the processor of a busy kernel's thread, this one would wait there for the end of a time
   slice (milliseconds) before it could begin a sync: it stays off that processor while the kernel's
   thread is busy. */

#ifndef THFT_SYNCING_CORE_H
#define THFT_SYNCING_CORE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define THFT_FILES 1024
#define THFT_LOOK_NS 1000000 /* how often it looks whether the kernel's thread is busy */
#define THFT_IDLE_LOOKS 50   /* so often idle in a row is idle */

typedef int (*thft_sync_call)(int fd);

typedef struct {
    /* Stored by the kernel's thread. */
    _Atomic uint64_t written_bytes;
    _Atomic uint64_t written_seq;
    _Atomic uint32_t begun;
    int files[THFT_FILES];
    atomic_int stopping;
    atomic_int processor, clock;
    /* Stored by the syncing thread. */
    _Atomic uint64_t synced_bytes;
    _Atomic uint64_t durable_seq;
    _Atomic uint64_t *mark;
    _Atomic uint32_t closed;
    atomic_int failure;
    int failed_fd;
    /* Stored by both. */
    atomic_int asleep;
    atomic_int waiting;
    _Atomic(thft_sync_call) sync;
    sem_t bell;
    pthread_mutex_t lock;
    pthread_cond_t progress;
    pthread_t thread;
} thft_syncer;

static int thft_fdatasync(int fd) { return fdatasync(fd) ? errno : 0; }

/* Syncs every begun file, oldest first, and closes the full ones; returns 0 when a sync failed. */
static int thft_sync_files(thft_syncer *s, uint32_t begun) {
    for (uint32_t number = s->closed;; number++) {
        int fd = s->files[number % THFT_FILES];
        int failure = atomic_load(&s->sync)(fd);
        if (failure) {
            s->failed_fd = fd;
            atomic_store(&s->failure, failure);
            return 0;
        }
        if (number + 1 == begun) return 1;
        close(fd);
        atomic_store(&s->closed, number + 1);
    }
}

static void thft_syncer_tell_waiting(thft_syncer *s) {
    if (!atomic_load(&s->waiting)) return;
    pthread_mutex_lock(&s->lock);
    pthread_cond_broadcast(&s->progress);
    pthread_mutex_unlock(&s->lock);
}

static int thft_sync_round(thft_syncer *s) {
    uint64_t bytes = atomic_load(&s->written_bytes);
    uint64_t seq = atomic_load(&s->written_seq);
    int good = thft_sync_files(s, atomic_load(&s->begun));
    if (good) {
        atomic_store(&s->durable_seq, seq);
        if (s->mark) atomic_store(s->mark, seq);
        atomic_store(&s->synced_bytes, bytes);
    }
    thft_syncer_tell_waiting(s);
    return good;
}

static inline int thft_has_work(thft_syncer *s) {
    return atomic_load(&s->stopping) ||
           atomic_load(&s->written_bytes) != atomic_load(&s->synced_bytes);
}

/* Where the syncing thread may run. */
typedef struct {
#ifdef __linux__
    cpu_set_t allowed;
    uint64_t looked_ns, used_ns;
#endif
    int off, idle;
} thft_place;

#ifdef __linux__
static uint64_t thft_clock_ns(clockid_t clock) {
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void thft_place_begin(thft_place *place) {
    pthread_getaffinity_np(pthread_self(), sizeof place->allowed, &place->allowed);
    place->off = -1;
}

/* Keeps off the processor where the kernel's thread last rang while that is busy half the time. */
static void thft_place_look(thft_syncer *s, thft_place *place) {
    uint64_t now_ns = thft_clock_ns(CLOCK_MONOTONIC), past_ns = now_ns - place->looked_ns;
    cpu_set_t there = place->allowed;
    uint64_t used_ns, worked_ns;
    int off;
    if (past_ns < THFT_LOOK_NS || !atomic_load(&s->clock)) return;
    used_ns = thft_clock_ns(atomic_load(&s->clock));
    /* Another thread writes now, or none any more, when its clock is behind: that is no work. */
    worked_ns = used_ns > place->used_ns ? used_ns - place->used_ns : 0;
    place->idle = worked_ns * 2 < past_ns ? place->idle + 1 : 0;
    place->looked_ns = now_ns;
    place->used_ns = used_ns;
    off = place->idle == 0 ? atomic_load(&s->processor)
                           : (place->idle > THFT_IDLE_LOOKS ? -1 : place->off);
    if (off == place->off) return;
    if (off >= 0) CPU_CLR(off, &there);
    if (CPU_COUNT(&there)) pthread_setaffinity_np(pthread_self(), sizeof there, &there);
    place->off = off;
}

/* Tells where the kernel's thread is, and the clock of its processor time. */
static void thft_place_tell(thft_syncer *s) {
    clockid_t clock;
    if (!pthread_getcpuclockid(pthread_self(), &clock)) atomic_store(&s->clock, clock);
    atomic_store(&s->processor, sched_getcpu());
}
#else
static void thft_place_begin(thft_place *place) { (void)place; }
static void thft_place_look(thft_syncer *s, thft_place *place) { (void)s, (void)place; }
static void thft_place_tell(thft_syncer *s) { (void)s; }
#endif

static void *thft_syncer_run(void *given) {
    thft_syncer *s = given;
    thft_place place = {0};
    thft_place_begin(&place);
    for (;;) {
        while (!thft_has_work(s)) {
            thft_place_look(s, &place);
            atomic_store(&s->asleep, 1);
            /* Who stores work after this look sees `asleep` and rings. */
            if (!thft_has_work(s)) sem_wait(&s->bell);
            atomic_store(&s->asleep, 0);
        }
        if (atomic_load(&s->stopping) || !thft_sync_round(s)) return NULL;
    }
}

static inline void thft_syncer_ring(thft_syncer *s) {
    if (!atomic_load(&s->asleep) || !atomic_exchange(&s->asleep, 0)) return;
    thft_place_tell(s);
    sem_post(&s->bell);
}

/* Starts the thread; returns an errno or 0. `mark` may be NULL. */
static int thft_syncer_start(thft_syncer *s, uint64_t seq, void *mark) {
    sigset_t all, before;
    int failed;
    atomic_store(&s->written_seq, seq);
    atomic_store(&s->durable_seq, seq);
    s->mark = mark;
    atomic_store(&s->sync, thft_fdatasync);
    sem_init(&s->bell, 0, 0);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->progress, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for Python's threads */
    failed = pthread_create(&s->thread, NULL, thft_syncer_run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
#ifdef __linux__
    if (!failed) pthread_setname_np(s->thread, "journal-sync");
#endif
    return failed;
}

/* Returns 0 when THFT_FILES full files wait already. */
static inline int thft_syncer_begin(thft_syncer *s, int fd) {
    uint32_t begun = atomic_load(&s->begun);
    if (begun - atomic_load(&s->closed) == THFT_FILES) return 0;
    s->files[begun % THFT_FILES] = fd;
    atomic_store(&s->begun, begun + 1);
    return 1;
}

static inline void thft_syncer_written(thft_syncer *s, uint64_t seq, uint64_t count) {
    uint64_t bytes = atomic_load(&s->written_bytes);
    atomic_store(&s->written_seq, seq);
    atomic_store(&s->written_bytes, bytes + count);
}

/* Waits until all written so far is durable; returns 0 when it never will be. */
static int thft_syncer_wait(thft_syncer *s) {
    uint64_t bytes = atomic_load(&s->written_bytes);
    int durable;
    thft_syncer_ring(s);
    pthread_mutex_lock(&s->lock);
    atomic_fetch_add(&s->waiting, 1);
    while (!(durable = atomic_load(&s->synced_bytes) >= bytes) && !atomic_load(&s->failure) &&
           !atomic_load(&s->stopping))
        pthread_cond_wait(&s->progress, &s->lock);
    atomic_fetch_sub(&s->waiting, 1);
    pthread_mutex_unlock(&s->lock);
    return durable;
}

/* Ends the thread, unless this is a forked child that has none, and closes the full files; the
   file begun last is its owner's. */
static void thft_syncer_stop(thft_syncer *s, int has_thread) {
    uint32_t number, begun = atomic_load(&s->begun);
    if (has_thread) {
        atomic_store(&s->stopping, 1);
        thft_syncer_ring(s);
        thft_syncer_tell_waiting(s);
        pthread_join(s->thread, NULL);
    }
    for (number = atomic_load(&s->closed); number + 1 < begun; number++)
        close(s->files[number % THFT_FILES]);
    atomic_store(&s->closed, number);
}

/* NULL puts fdatasync back. */
static inline void thft_syncer_interpose(thft_syncer *s, thft_sync_call call) {
    atomic_store(&s->sync, call ? call : thft_fdatasync);
}

static inline uint64_t thft_syncer_durable(thft_syncer *s) { return atomic_load(&s->durable_seq); }

static inline uint64_t thft_syncer_unsynced(thft_syncer *s) {
    uint64_t synced = atomic_load(&s->synced_bytes);
    return atomic_load(&s->written_bytes) - synced;
}

static inline int thft_syncer_failure(thft_syncer *s) { return atomic_load(&s->failure); }

#endif
