/*
 * What native code reaches at best: `roofs THREADS KIND AMOUNT` prints GFLOP/s, when AMOUNT operations are done, of
 * `multiply-add` in registers, or GB/s, when AMOUNT bytes are `read`, or half of them are a `copy` of the other half. Threads
 * share the work; a round lasts from when the first begins until the last is done. The best of all rounds counts; every other
 * one prefetches what it reads and writes past the caches.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef float vector __attribute__((vector_size(WIDTH)));
enum { rounds = 16, accumulators = 12, unroll = 8, lanes = WIDTH / 4, most = 256, page = 1 << 21, ahead = 4096 / WIDTH };

static int threads;
static const char *kind;
static size_t amount;
static int arrived, generation;
static double starts[rounds][most], ends[rounds][most];
volatile float sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Nobody sleeps, so that all go on at once. */
static void meet(void) {
  const int before = __atomic_load_n(&generation, __ATOMIC_SEQ_CST);
  if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == threads) {
    __atomic_store_n(&arrived, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
  } else
    while (__atomic_load_n(&generation, __ATOMIC_SEQ_CST) == before) {}
}

/* Enough independent chains to hide the latency of a multiply-add. */
static void multiply_add(size_t times) {
  vector a[accumulators], x, y;
  for (int i = 0; i < accumulators; i++) a[i] = (vector){0} + (float)i;
  x = (vector){0} + 0.999f;
  y = (vector){0} + 0.001f;
  for (size_t n = 0; n < times; n++) {
#pragma GCC unroll 16
    for (int i = 0; i < accumulators; i++) a[i] = a[i] * x + y;
  }
  for (int i = 1; i < accumulators; i++) a[0] += a[i];
  sink = a[0][0];
}

static void read_all(const vector *data, size_t count, int prefetch) {
  vector sums[unroll] = {{0}};
  for (size_t i = 0; i < count; i += unroll) {
    if (prefetch)
      for (int k = 0; k < unroll; k++) __builtin_prefetch(data + i + k + ahead);
    for (int k = 0; k < unroll; k++) sums[k] += data[i + k];
  }
  for (int k = 1; k < unroll; k++) sums[0] += sums[k];
  sink = sums[0][0];
}

static void stream(vector *to, vector x) {
#if defined(__x86_64__) && WIDTH == 64
  _mm512_stream_ps((float *)to, (__m512)x);
#elif defined(__x86_64__) && WIDTH == 32
  _mm256_stream_ps((float *)to, (__m256)x);
#elif defined(__x86_64__) && WIDTH == 16
  _mm_stream_ps((float *)to, (__m128)x);
#else
  *to = x;
#endif
}

static void copy_all(vector *to, const vector *from, size_t count, int past) {
  if (!past) {
    memcpy(to, from, count * WIDTH);
    return;
  }
  for (size_t i = 0; i < count; i += unroll)
    for (int k = 0; k < unroll; k++) stream(to + i + k, from[i + k]);
#ifdef __x86_64__
  _mm_sfence();
#endif
}

static void *work(void *argument) {
  const int thread = (int)(size_t)argument;
  const size_t count = amount / threads / WIDTH / (2 * unroll) * (2 * unroll);
  const size_t times = amount / threads / (2 * accumulators * lanes);
  const int adds = kind[0] == 'm', reads = kind[0] == 'r';
  const size_t bytes = adds ? page : (count * WIDTH + page - 1) / page * page;
  vector *data = aligned_alloc(page, bytes);
#ifdef MADV_HUGEPAGE
  madvise(data, bytes, MADV_HUGEPAGE);
#endif
  memset(data, 1, bytes); /* pages that were never written are all one page */
  for (int round = 0; round < rounds; round++) {
    meet();
    starts[round][thread] = now();
    if (adds) multiply_add(times);
    else if (reads) read_all(data, count, round & 1);
    else copy_all(data, data + count / 2, count / 2, round & 1);
    ends[round][thread] = now();
  }
  free(data);
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  threads = atoi(arguments[1]);
  kind = arguments[2];
  amount = strtoull(arguments[3], NULL, 10);
  if (threads < 1 || threads > most) return 2;
  pthread_t others[most];
  for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, work, (void *)(size_t)i);
  work(NULL);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  double best = 1e9;
  for (int round = 0; round < rounds; round++) {
    double start = starts[round][0], end = ends[round][0];
    for (int i = 1; i < threads; i++) {
      if (starts[round][i] < start) start = starts[round][i];
      if (ends[round][i] > end) end = ends[round][i];
    }
    if (end - start < best) best = end - start;
  }
  printf("%.3f\n", amount / best * 1e-9);
  return 0;
}
