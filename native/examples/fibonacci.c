/* A generator as a coroutine: it keeps its place and its locals between two values.

     cc fibonacci.c $(pkg-config --cflags --libs nativegreenlet)

   Prints: 1 1 2 3 5 8 13 21 34 55 */
#include <nativegreenlet.h>

#include <stdio.h>

static void* fibonacci(ng_coroutine* self, void* unused) {
  (void)unused;
  unsigned long a = 0, b = 1;
  for (;;) {
    const unsigned long next = a + b;
    ng_coroutine_yield(self, &b); // hands out where b is, and comes back here at the next resume
    a = b;
    b = next;
  }
}

int main(void) {
  const ng_segments_config config = ng_segments_config_default();
  ng_segments* segments = NULL;
  ng_coroutine* numbers = NULL;
  ng_status status = ng_segments_create(&config, &segments);
  if (status == NG_OK) status = ng_coroutine_create(segments, fibonacci, NULL, &numbers);
  for (int i = 0; i < 10 && status == NG_OK; i++) {
    void* value = NULL;
    status = ng_coroutine_resume(numbers, NULL, &value);
    if (status == NG_OK) printf("%lu ", *(unsigned long*)value);
  }
  puts(ng_status_message(status)); // "no error"
  ng_coroutine_destroy(numbers);   // in the middle of its loop: its stack goes back to the pool
  ng_segments_destroy(segments);
  return status == NG_OK ? 0 : 1;
}
