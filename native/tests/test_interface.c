/* The interface as such: words for every status, sizes and offsets by name, what it says of a thread.

   SPDX-License-Identifier: MIT */
#include "../src/stacks/memory.h"
#include "test.h"

#include <pthread.h>
#if defined(__linux__)
#  include <sys/syscall.h>
#endif
#if defined(NG_TOOL_VALGRIND)
#  include <valgrind/valgrind.h>
#endif

TEST(every_status_has_its_own_message) {
  const char* seen[NG_RETRY + 1];
  for (int status = NG_OK; status <= NG_RETRY; status++) {
    seen[status] = ng_status_message((ng_status)status);
    CHECK(seen[status] != NULL && strlen(seen[status]) > 5);
    CHECK(strcmp(seen[status], ng_status_message((ng_status)1000)) != 0);
    for (int other = 0; other < status; other++) {
      CHECK(strcmp(seen[status], seen[other]) != 0);
    }
  }
  CHECK(strstr(seen[NG_ERROR_MAPPINGS], "vm.max_map_count") != NULL);
  CHECK(strstr(seen[NG_ERROR_ADDRESS_SPACE], "ulimit -v") != NULL);
  CHECK(ng_status_message((ng_status)-1) != NULL);
  CHECK(ng_status_message((ng_status)1000) != NULL);
}

TEST(version_is_that_of_the_header) {
  CHECK_EQUAL(NG_ABI_VERSION, ng_abi_version());
}

#define CHECK_SIZE(type)         CHECK_EQUAL(sizeof(type), ng_layout_of(#type))
#define CHECK_FIELD(type, field) CHECK_EQUAL(offsetof(type, field), ng_layout_of(#type "." #field))

TEST(layout_is_known_by_name) {
  CHECK_SIZE(ng_status);
  CHECK_SIZE(ng_context_kind);
  CHECK_SIZE(ng_guard_kind);
  CHECK_SIZE(ng_coroutine_state);

  CHECK_SIZE(ng_context);
  CHECK_FIELD(ng_context, state);
  CHECK_FIELD(ng_context, stack_low);
  CHECK_FIELD(ng_context, stack_size);
  CHECK_FIELD(ng_context, tool);

  CHECK_SIZE(ng_segments_config);
  CHECK_FIELD(ng_segments_config, segment_size);
  CHECK_FIELD(ng_segments_config, guard_size);
  CHECK_FIELD(ng_segments_config, capacity);
  CHECK_FIELD(ng_segments_config, resident_size);
  CHECK_FIELD(ng_segments_config, pool_limit);
  CHECK_FIELD(ng_segments_config, guard);

  CHECK_SIZE(ng_segments_statistics);
  CHECK_FIELD(ng_segments_statistics, capacity);
  CHECK_FIELD(ng_segments_statistics, live);
  CHECK_FIELD(ng_segments_statistics, pooled);
  CHECK_FIELD(ng_segments_statistics, touched);
  CHECK_FIELD(ng_segments_statistics, segment_size);
  CHECK_FIELD(ng_segments_statistics, guard);

  CHECK_SIZE(ng_clr_layout);
  CHECK_FIELD(ng_clr_layout, size);
  CHECK_FIELD(ng_clr_layout, thread_state);
  CHECK_FIELD(ng_clr_layout, thread_preemptive_disabled);
  CHECK_FIELD(ng_clr_layout, thread_frame);
  CHECK_FIELD(ng_clr_layout, thread_exception_tracker);
  CHECK_FIELD(ng_clr_layout, thread_gc_frame);
  CHECK_FIELD(ng_clr_layout, thread_stack_limits);
  CHECK_FIELD(ng_clr_layout, frame_next);
  CHECK_FIELD(ng_clr_layout, frame_size);
  CHECK_FIELD(ng_clr_layout, hijacked_mask);
  CHECK_FIELD(ng_clr_layout, frame_identifier);
  CHECK_FIELD(ng_clr_layout, frame_end);
  CHECK_FIELD(ng_clr_layout, exception_tracker_end);
  CHECK_FIELD(ng_clr_layout, gc_frame_end);
  CHECK_FIELD(ng_clr_layout, sufficient_stack);
  CHECK_FIELD(ng_clr_layout, risky_stackalloc);

  CHECK_SIZE(ng_clr_statistics);
  CHECK_FIELD(ng_clr_statistics, records);
  CHECK_FIELD(ng_clr_statistics, records_free);
  CHECK_FIELD(ng_clr_statistics, carriers);
  CHECK_FIELD(ng_clr_statistics, unclean_parks);

  CHECK_EQUAL(-1, ng_layout_of(NULL));
  CHECK_EQUAL(-1, ng_layout_of(""));
  CHECK_EQUAL(-1, ng_layout_of("ng_context."));
  CHECK_EQUAL(-1, ng_layout_of("ng_greenlet"));
}

typedef struct thread_facts {
  uint64_t id;
  char* low;
  char* high;
} thread_facts;

static void* note_thread(void* argument) {
  thread_facts* facts = (thread_facts*)argument;
  facts->id = ng_thread_id();
  void* low = NULL;
  void* high = NULL;
  CHECK_STATUS(NG_OK, ng_thread_stack(&low, &high));
  facts->low = (char*)low;
  facts->high = (char*)high;
#if defined(__GNUC__)
  const char* here = (const char*)__builtin_frame_address(0);
  CHECK(here > facts->low && here < facts->high);
#endif
  return NULL;
}

TEST(thread_knows_its_stack_and_number) {
  thread_facts own;
  thread_facts other;
  (void)note_thread(&own);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, note_thread, &other) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(own.id != other.id && own.id != 0 && other.id != 0);
  CHECK(own.low >= other.high || other.low >= own.high);
  CHECK(other.high - other.low >= 16384);
#if defined(__linux__)
  CHECK_EQUAL(syscall(SYS_gettid), own.id);
#endif
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_thread_stack(NULL, (void**)&own.high));
  CHECK_STATUS(NG_ERROR_ARGUMENT, ng_thread_stack((void**)&own.low, NULL));
}

TEST(readable_bytes_end_where_memory_ends) {
  const size_t page = ng_memory_page_size();
  char* pages = ng_memory_reserve(3 * page);
  CHECK(pages != NULL);
  CHECK_STATUS(NG_OK, ng_memory_commit(pages, 2 * page));
  CHECK_EQUAL(1024, ng_readable_bytes(pages, 1024));
  CHECK_EQUAL(1024, ng_readable_bytes(pages + page - 512, 1024));
#if defined(NG_TOOL_VALGRIND)
  VALGRIND_DISABLE_ERROR_REPORTING; // the system is asked for memory that is not there: that is how it is found out
#endif
  CHECK_EQUAL(512, ng_readable_bytes(pages + 2 * page - 512, 1024));
  CHECK_EQUAL(0, ng_readable_bytes(pages + 2 * page, 1024));
  CHECK_EQUAL(0, ng_readable_bytes(NULL, 1024));
#if defined(NG_TOOL_VALGRIND)
  VALGRIND_ENABLE_ERROR_REPORTING;
#endif
  ng_memory_unreserve(pages, 3 * page);
}

// Behind an object of the heap may lie memory that another thread gives back between the question and the look.
TEST(object_bytes_end_where_the_object_ends) {
  enum { SIZE = 200, MORE = 1024 };
  char* object = calloc(1, SIZE);
  CHECK(object != NULL);
  CHECK_EQUAL(SIZE / 2, ng_object_bytes(object, SIZE / 2));
  CHECK(ng_object_bytes(object, MORE) >= SIZE);
#if defined(__linux__) || defined(__APPLE__)
  CHECK(ng_object_bytes(object, MORE) < SIZE + 64);
#endif
  free(object);
  CHECK_EQUAL(0, ng_object_bytes(NULL, MORE));
}
