/*
 * What native code reaches at best: `roofs THREADS` prints, of all threads together, GFLOP/s of multiply-adds in registers
 * and GB/s of reading, and of reading and writing, arrays much larger than the caches. The best of rounds that start together.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef float vector __attribute__((vector_size(WIDTH)));
enum { rounds = 9, accumulators = 12, lanes = WIDTH / 4, most = 256 };
static const size_t total = (size_t)1 << 28; /* bytes that are read or written in a round */

static int threads;
static pthread_barrier_t together;
static double rates[3][rounds][most];
volatile float sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Gigaflops: enough independent chains to hide the latency of a multiply-add. */
static double multiply_add(void) {
  const long times = 3000000;
  vector a[accumulators], x, y;
  for (int i = 0; i < accumulators; i++) a[i] = (vector){0} + (float)i;
  x = (vector){0} + 0.999f;
  y = (vector){0} + 0.001f;
  const double start = now();
  for (long n = 0; n < times; n++) {
#pragma GCC unroll 16
    for (int i = 0; i < accumulators; i++) a[i] = a[i] * x + y;
  }
  const double seconds = now() - start;
  vector sum = a[0];
  for (int i = 1; i < accumulators; i++) sum += a[i];
  sink = sum[0];
  return 2.0 * times * accumulators * lanes / seconds * 1e-9;
}

static double read_all(const vector *data, size_t count) {
  vector sums[8] = {{0}};
  const double start = now();
  for (size_t i = 0; i < count; i += 8)
    for (int k = 0; k < 8; k++) sums[k] += data[i + k];
  const double seconds = now() - start;
  for (int k = 1; k < 8; k++) sums[0] += sums[k];
  sink = sums[0][0];
  return count * WIDTH / seconds * 1e-9;
}

static double copy_all(vector *to, const vector *from, size_t count) {
  const double start = now();
  memcpy(to, from, count * WIDTH);
  return 2.0 * count * WIDTH / (now() - start) * 1e-9;
}

static void *work(void *argument) {
  const int thread = (int)(size_t)argument;
  const size_t bytes = total / threads / (WIDTH * 16) * (WIDTH * 16);
  char *data = aligned_alloc(WIDTH, bytes);
  memset(data, 1, bytes); /* pages that were never written are all one page */
  for (int round = 0; round < rounds; round++) {
    pthread_barrier_wait(&together);
    rates[0][round][thread] = multiply_add();
    pthread_barrier_wait(&together);
    rates[1][round][thread] = read_all((vector *)data, bytes / WIDTH);
    pthread_barrier_wait(&together);
    rates[2][round][thread] = copy_all((vector *)data, (vector *)(data + bytes / 2), bytes / 2 / WIDTH);
  }
  free(data);
  return NULL;
}

int main(int count, char **arguments) {
  threads = count > 1 ? atoi(arguments[1]) : 1;
  if (threads < 1 || threads > most) return 2;
  pthread_barrier_init(&together, NULL, threads);
  pthread_t others[most];
  for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, work, (void *)(size_t)i);
  work(NULL);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  for (int kind = 0; kind < 3; kind++) {
    double best = 0;
    for (int round = 0; round < rounds; round++) {
      double sum = 0;
      for (int i = 0; i < threads; i++) sum += rates[kind][round][i];
      best = sum > best ? sum : best;
    }
    printf("%.3f\n", best);
  }
  return 0;
}
