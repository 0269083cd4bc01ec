/* Sizes and offsets of the header's structures by name, for a binding to check itself against.

   SPDX-License-Identifier: MIT */
#include "common.h"

#include <string.h>

typedef struct layout_entry {
  const char* name;
  size_t value;
} layout_entry;

#define SIZE(type) \
  { #type, sizeof(type) }
#define FIELD(type, field) \
  { #type "." #field, offsetof(type, field) }

static const layout_entry entries[] = {
    SIZE(ng_status),
    SIZE(ng_context_kind),
    SIZE(ng_guard_kind),
    SIZE(ng_coroutine_state),

    SIZE(ng_context),
    FIELD(ng_context, state),
    FIELD(ng_context, stack_low),
    FIELD(ng_context, stack_size),
    FIELD(ng_context, tool),

    SIZE(ng_segments_config),
    FIELD(ng_segments_config, segment_size),
    FIELD(ng_segments_config, guard_size),
    FIELD(ng_segments_config, capacity),
    FIELD(ng_segments_config, resident_size),
    FIELD(ng_segments_config, pool_limit),
    FIELD(ng_segments_config, guard),

    SIZE(ng_segments_statistics),
    FIELD(ng_segments_statistics, capacity),
    FIELD(ng_segments_statistics, live),
    FIELD(ng_segments_statistics, pooled),
    FIELD(ng_segments_statistics, touched),
    FIELD(ng_segments_statistics, segment_size),
    FIELD(ng_segments_statistics, guard),

    SIZE(ng_slices_config),
    FIELD(ng_slices_config, capacity),

    SIZE(ng_slices_statistics),
    FIELD(ng_slices_statistics, capacity),
    FIELD(ng_slices_statistics, live),
    FIELD(ng_slices_statistics, used),
    FIELD(ng_slices_statistics, free),
    FIELD(ng_slices_statistics, touched),
    FIELD(ng_slices_statistics, copied),
    FIELD(ng_slices_statistics, moved),

    SIZE(ng_clr_layout),
    FIELD(ng_clr_layout, size),
    FIELD(ng_clr_layout, thread_state),
    FIELD(ng_clr_layout, thread_preemptive_disabled),
    FIELD(ng_clr_layout, thread_frame),
    FIELD(ng_clr_layout, thread_exception_tracker),
    FIELD(ng_clr_layout, thread_gc_frame),
    FIELD(ng_clr_layout, thread_stack_limits),
    FIELD(ng_clr_layout, frame_next),
    FIELD(ng_clr_layout, frame_size),
    FIELD(ng_clr_layout, hijacked_mask),
    FIELD(ng_clr_layout, transition_frame_block),
    FIELD(ng_clr_layout, transition_block_registers),
    FIELD(ng_clr_layout, transition_block_return),
    FIELD(ng_clr_layout, start_frame_identifier),
    FIELD(ng_clr_layout, frame_identifier),
    FIELD(ng_clr_layout, transition_frame_identifier),
    FIELD(ng_clr_layout, frame_end),
    FIELD(ng_clr_layout, exception_tracker_end),
    FIELD(ng_clr_layout, gc_frame_end),
    FIELD(ng_clr_layout, sufficient_stack),
    FIELD(ng_clr_layout, risky_stackalloc),

    SIZE(ng_clr_statistics),
    FIELD(ng_clr_statistics, records),
    FIELD(ng_clr_statistics, records_free),
    FIELD(ng_clr_statistics, carriers),
    FIELD(ng_clr_statistics, unclean_parks),

    SIZE(ng_word_kind),

    SIZE(ng_refusal),
    FIELD(ng_refusal, region),
    FIELD(ng_refusal, offset),
    FIELD(ng_refusal, address),
    FIELD(ng_refusal, value),
    FIELD(ng_refusal, low),
    FIELD(ng_refusal, high),

    SIZE(ng_freeze_layout),
    FIELD(ng_freeze_layout, size),
    FIELD(ng_freeze_layout, fragment_begin),
    FIELD(ng_freeze_layout, fragment_end),
    FIELD(ng_freeze_layout, fragment_section),
    FIELD(ng_freeze_layout, fragment_next),
    FIELD(ng_freeze_layout, section_flags),
    FIELD(ng_freeze_layout, section_collectible),
    FIELD(ng_freeze_layout, gc_frame_references),
    FIELD(ng_freeze_layout, gc_frame_count),
    FIELD(ng_freeze_layout, gc_frame_interior),
    FIELD(ng_freeze_layout, table_class),
    FIELD(ng_freeze_layout, class_table),
    FIELD(ng_freeze_layout, method_index),
    FIELD(ng_freeze_layout, method_alignment),
    FIELD(ng_freeze_layout, chunk_size),
    FIELD(ng_freeze_layout, chunk_table),
    FIELD(ng_freeze_layout, code_map),
    FIELD(ng_freeze_layout, heap_low),
    FIELD(ng_freeze_layout, heap_high),

    SIZE(ng_freeze_verdict),

    SIZE(ng_freeze_plan),
    FIELD(ng_freeze_plan, greenlet),
    FIELD(ng_freeze_plan, shape),
    FIELD(ng_freeze_plan, stack),
    FIELD(ng_freeze_plan, slots),
    FIELD(ng_freeze_plan, hash),
    FIELD(ng_freeze_plan, slot_count),
    FIELD(ng_freeze_plan, byref_count),
    FIELD(ng_freeze_plan, may_unload),
    FIELD(ng_freeze_plan, is_kept),

    SIZE(ng_freeze_statistics),
    FIELD(ng_freeze_statistics, shapes),
    FIELD(ng_freeze_statistics, shape_bytes),
    FIELD(ng_freeze_statistics, byrefs),
};

int64_t ng_layout_of(const char* name) {
  if (name != NULL) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
      if (strcmp(entries[i].name, name) == 0) {
        return (int64_t)entries[i].value;
      }
    }
  }
  return -1;
}
