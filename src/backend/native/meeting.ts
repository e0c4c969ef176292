/** Functions in C by which the threads of a run meet, and share the tasks of a kernel; `arena/control.ts` says how. */
import { control } from "../arena/control.js";

/** Turns of the loop in which a thread waits at a barrier before it sleeps, some tens of microseconds. */
const turns = 2000;

/** How long a thread sleeps before it asks whether to give up, in nanoseconds. */
const nap = 100_000_000;

/**
 * Sleeping ends when the word changes, or after a while. Where there is no call for that, the thread lets others run, and asks
 * after about as long.
 */
const sleeping = `#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static i32 slept(u32 *word, u32 value) {
  const struct timespec most = {0, ${nap}};
  return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &most, 0, 0) == 0;
}
static void wake(u32 *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1 << 16, 0, 0, 0); }
#else
int sched_yield(void);
static i32 slept(u32 *word, u32 value) {
  for (u32 turn = 0; turn < 200000; turn++) {
    if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) return 1;
    sched_yield();
  }
  return 0;
}
static void wake(u32 *word) { (void)word; }
#endif`;

/** Turns of such a loop in a microsecond. */
const turnsInMicrosecond = 50;

/** `meet` is 0 when all threads of the run have called it, and 1 when one was lost. `ask` is told by thread 0 when it waits for long. */
const barrier = `#define WORD(base, at) ((u32 *)((base) + (at)))
static __attribute__((noinline)) i32 meet(char *base, i32 thread, i32 threads, i32 (*ask)(void)) {
  if (threads <= 1) return 0;
  u32 *const generation = WORD(base, ${control.generation}), *const sleepers = WORD(base, ${control.sleeping});
  const u32 now = __atomic_load_n(generation, __ATOMIC_ACQUIRE);
  u32 *const crew = WORD(base, ${control.crew});
  if (thread == 0) {
    for (i32 i = 0; i < threads; i++)
      *WORD(base, ${control.tickets} + ((now + 1) & 1) * ${control.setStride} + i * ${control.ticketStride}) = 0;
    u32 turns = *WORD(base, ${control.patience}) * ${turnsInMicrosecond};
    while ((__atomic_load_n(crew, __ATOMIC_ACQUIRE) & 255) < (u32)threads && turns-- > 0) RELAX();
    if (!(__atomic_load_n(crew, __ATOMIC_ACQUIRE) & ${control.closed})) __atomic_add_fetch(crew, ${control.closed}, __ATOMIC_SEQ_CST);
  }
  if (__atomic_add_fetch(WORD(base, ${control.arrived}), 1, __ATOMIC_SEQ_CST) + ${control.closed} == (__atomic_load_n(crew, __ATOMIC_SEQ_CST) & 255)) {
    __atomic_store_n(WORD(base, ${control.arrived}), 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(generation, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(sleepers, __ATOMIC_SEQ_CST)) wake(generation);
    return 0;
  }
  for (u32 turn = 0; __atomic_load_n(generation, __ATOMIC_ACQUIRE) == now;) {
    if (__atomic_load_n(WORD(base, ${control.broken}), __ATOMIC_RELAXED)) return 1;
    if (turn++ < ${turns}) {
      RELAX();
      continue;
    }
    __atomic_add_fetch(sleepers, 1, __ATOMIC_SEQ_CST);
    const i32 woken = slept(generation, now);
    __atomic_sub_fetch(sleepers, 1, __ATOMIC_SEQ_CST);
    if (!woken && ask && __atomic_load_n(generation, __ATOMIC_ACQUIRE) == now && ask()) return 1;
  }
  return 0;
}`;

/** `take` finds the next tasks for a thread, a quarter of what is left of a range, or says that there are none. */
const tasks = `static __attribute__((noinline)) i32 take(char *base, ix thread, ix threads, ix tasks, ix *first, ix *last) {
  const u32 set = __atomic_load_n(WORD(base, ${control.generation}), __ATOMIC_RELAXED) & 1;
  ix owner = thread;
  do {
    const ix start = tasks * owner / threads, size = tasks * (owner + 1) / threads - start;
    u32 *const word = WORD(base, ${control.tickets} + set * ${control.setStride} + owner * ${control.ticketStride});
    ix next = (i32)__atomic_load_n(word, __ATOMIC_RELAXED);
    if (next < size) {
      const ix count = (size - next + 3) / 4;
      next = (i32)__atomic_fetch_add(word, (u32)count, __ATOMIC_RELAXED);
      if (next < size) {
        *first = start + next;
        *last = start + min_ix(next + count, size);
        return 1;
      }
    }
    if (++owner == threads) owner = 0;
  } while (owner != thread);
  return 0;
}
#define SHARE(kernel, tasks, ...) do { \\
    ix first, last; \\
    if (threads <= 1) kernel(0, tasks, __VA_ARGS__); \\
    else while (take(base, thread, threads, tasks, &first, &last)) kernel(first, last, __VA_ARGS__); \\
  } while (0)
#define MEET() do { if (meet(base, thread, threads, ask)) return 1; } while (0)`;

export const meetingText = [sleeping, barrier, tasks].join("\n");
