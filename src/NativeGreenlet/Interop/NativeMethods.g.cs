// Generated from native/include/nativegreenlet.h by ClangSharpPInvokeGenerator: ./build.sh bindings
// Do not edit: change the header, or native/bindings.rsp.
#nullable disable
#pragma warning disable

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace NativeGreenlet.Interop;

[NativeTypeName("unsigned int")]
internal enum ng_status
{
    OK = 0,
    ERROR_ARGUMENT = 1,
    ERROR_STATE = 2,
    ERROR_MEMORY = 3,
    ERROR_ADDRESS_SPACE = 4,
    ERROR_MAPPINGS = 5,
    ERROR_SEGMENTS = 6,
    ERROR_NOT_SUPPORTED = 7,
    ERROR_THREADS = 8,
    NEED_RECORD = 9,
    RETRY = 10,
    ERROR_ARENA = 11,
    ERROR_PINNED = 12,
}

[NativeTypeName("unsigned int")]
internal enum ng_context_kind
{
    ASSEMBLY = 0,
    UCONTEXT = 1,
    FIBER = 2,
}

internal unsafe partial struct ng_context
{
    public void* state;

    public void* stack_low;

    [NativeTypeName("size_t")]
    public nuint stack_size;

    public void* tool;
}

[NativeTypeName("unsigned int")]
internal enum ng_guard_kind
{
    AUTOMATIC = 0,
    PROTECT = 1,
    MARKER = 2,
}

internal partial struct ng_segments_config
{
    [NativeTypeName("size_t")]
    public nuint segment_size;

    [NativeTypeName("size_t")]
    public nuint guard_size;

    [NativeTypeName("size_t")]
    public nuint capacity;

    [NativeTypeName("size_t")]
    public nuint resident_size;

    [NativeTypeName("size_t")]
    public nuint pool_limit;

    public ng_guard_kind guard;
}

internal partial struct ng_segments_statistics
{
    [NativeTypeName("uint64_t")]
    public ulong capacity;

    [NativeTypeName("uint64_t")]
    public ulong live;

    [NativeTypeName("uint64_t")]
    public ulong pooled;

    [NativeTypeName("uint64_t")]
    public ulong touched;

    [NativeTypeName("uint64_t")]
    public ulong segment_size;

    public ng_guard_kind guard;
}

internal partial struct ng_segments
{
}

internal partial struct ng_segment
{
}

internal partial struct ng_coroutine
{
}

[NativeTypeName("unsigned int")]
internal enum ng_coroutine_state
{
    READY = 0,
    RUNNING = 1,
    SUSPENDED = 2,
    DONE = 3,
}

internal partial struct ng_slices_config
{
    [NativeTypeName("size_t")]
    public nuint capacity;
}

internal partial struct ng_slices_statistics
{
    [NativeTypeName("uint64_t")]
    public ulong capacity;

    [NativeTypeName("uint64_t")]
    public ulong live;

    [NativeTypeName("uint64_t")]
    public ulong used;

    [NativeTypeName("uint64_t")]
    public ulong free;

    [NativeTypeName("uint64_t")]
    public ulong touched;

    [NativeTypeName("uint64_t")]
    public ulong copied;

    [NativeTypeName("uint64_t")]
    public ulong moved;
}

internal partial struct ng_slices
{
}

internal partial struct ng_slice
{
}

internal partial struct ng_clr_layout
{
    [NativeTypeName("uint32_t")]
    public uint size;

    [NativeTypeName("uint32_t")]
    public uint thread_state;

    [NativeTypeName("uint32_t")]
    public uint thread_preemptive_disabled;

    [NativeTypeName("uint32_t")]
    public uint thread_frame;

    [NativeTypeName("uint32_t")]
    public uint thread_exception_tracker;

    [NativeTypeName("uint32_t")]
    public uint thread_gc_frame;

    [NativeTypeName("uint32_t")]
    public uint thread_stack_limits;

    [NativeTypeName("uint32_t")]
    public uint frame_next;

    [NativeTypeName("uint32_t")]
    public uint frame_size;

    [NativeTypeName("uint32_t")]
    public uint hijacked_mask;

    [NativeTypeName("uint32_t")]
    public uint transition_frame_block;

    [NativeTypeName("uint32_t")]
    public uint transition_block_registers;

    [NativeTypeName("uint32_t")]
    public uint transition_block_return;

    [NativeTypeName("uint32_t")]
    public uint start_frame_identifier;

    [NativeTypeName("uint64_t")]
    public ulong frame_identifier;

    [NativeTypeName("uint64_t")]
    public ulong transition_frame_identifier;

    [NativeTypeName("uint64_t")]
    public ulong frame_end;

    [NativeTypeName("uint64_t")]
    public ulong exception_tracker_end;

    [NativeTypeName("uint64_t")]
    public ulong gc_frame_end;

    [NativeTypeName("uint64_t")]
    public ulong sufficient_stack;

    [NativeTypeName("uint64_t")]
    public ulong risky_stackalloc;
}

internal partial struct ng_carrier
{
}

internal partial struct ng_greenlet
{
}

internal partial struct ng_clr_statistics
{
    [NativeTypeName("uint64_t")]
    public ulong records;

    [NativeTypeName("uint64_t")]
    public ulong records_free;

    [NativeTypeName("uint64_t")]
    public ulong carriers;

    [NativeTypeName("uint64_t")]
    public ulong unclean_parks;
}

internal partial struct ng_words
{
}

internal enum ng_word_kind
{
    TAIL = 0,
    ASYNC = 1,
    CXX = 2,
    HARMLESS = 3,
}

internal unsafe partial struct ng_refusal
{
    [NativeTypeName("const char *")]
    public sbyte* region;

    [NativeTypeName("uint64_t")]
    public ulong offset;

    [NativeTypeName("uint64_t")]
    public ulong address;

    [NativeTypeName("uint64_t")]
    public ulong value;

    [NativeTypeName("uint64_t")]
    public ulong low;

    [NativeTypeName("uint64_t")]
    public ulong high;
}

internal partial struct ng_load_watch
{
}

internal partial struct ng_freeze_layout
{
    [NativeTypeName("uint32_t")]
    public uint size;

    [NativeTypeName("uint32_t")]
    public uint fragment_begin;

    [NativeTypeName("uint32_t")]
    public uint fragment_end;

    [NativeTypeName("uint32_t")]
    public uint fragment_section;

    [NativeTypeName("uint32_t")]
    public uint fragment_next;

    [NativeTypeName("uint32_t")]
    public uint section_flags;

    [NativeTypeName("uint32_t")]
    public uint section_collectible;

    [NativeTypeName("uint32_t")]
    public uint gc_frame_references;

    [NativeTypeName("uint32_t")]
    public uint gc_frame_count;

    [NativeTypeName("uint32_t")]
    public uint gc_frame_interior;

    [NativeTypeName("uint32_t")]
    public uint table_class;

    [NativeTypeName("uint32_t")]
    public uint class_table;

    [NativeTypeName("uint32_t")]
    public uint method_index;

    [NativeTypeName("uint32_t")]
    public uint method_alignment;

    [NativeTypeName("uint32_t")]
    public uint chunk_size;

    [NativeTypeName("uint32_t")]
    public uint chunk_table;

    [NativeTypeName("uint64_t")]
    public ulong code_map;

    [NativeTypeName("uint64_t")]
    public ulong heap_low;

    [NativeTypeName("uint64_t")]
    public ulong heap_high;
}

internal partial struct ng_shape
{
}

internal partial struct ng_frozen
{
}

internal partial struct ng_lesson
{
}

[NativeTypeName("unsigned int")]
internal enum ng_freeze_verdict
{
    POSSIBLE = 0,
    UNKNOWN = 1,
    NOT_PLAIN = 2,
    PINS = 3,
    UNLOADABLE = 4,
    DEEP = 5,
    REFUSED = 6,
}

internal unsafe partial struct ng_freeze_plan
{
    public ng_greenlet* greenlet;

    public ng_shape* shape;

    public void** stack;

    [NativeTypeName("const uint32_t *")]
    public uint* slots;

    [NativeTypeName("uint64_t")]
    public ulong hash;

    [NativeTypeName("uint32_t")]
    public uint slot_count;

    [NativeTypeName("uint32_t")]
    public uint byref_count;

    [NativeTypeName("uint32_t")]
    public uint may_unload;

    [NativeTypeName("uint32_t")]
    public uint is_kept;
}

internal partial struct ng_freeze_statistics
{
    [NativeTypeName("uint64_t")]
    public ulong shapes;

    [NativeTypeName("uint64_t")]
    public ulong shape_bytes;

    [NativeTypeName("uint64_t")]
    public ulong byrefs;
}

internal partial struct ng_sliced_carrier
{
}

internal partial struct ng_sliced_greenlet
{
}

internal static unsafe partial class NativeMethods
{
    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("const char *")]
    public static extern sbyte* ng_status_message(ng_status status);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint32_t")]
    public static extern uint ng_abi_version();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_context_select(ng_context_kind kind);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_context_kind ng_context_selected();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_context_make(ng_context* context, void* stack_low, [NativeTypeName("size_t")] nuint stack_size, [NativeTypeName("ng_entry")] delegate* unmanaged[Cdecl]<void*, void> entry, void* argument);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void ng_context_switch(ng_context* from, ng_context* to);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void ng_context_discard(ng_context* context);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_segments_config ng_segments_config_default();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segments_create([NativeTypeName("const ng_segments_config *")] ng_segments_config* config, ng_segments** segments);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segments_destroy(ng_segments* segments);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segment_acquire(ng_segments* segments, ng_segment** segment);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segment_release(ng_segment* segment);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segment_bounds([NativeTypeName("const ng_segment *")] ng_segment* segment, void** low, void** high);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segments_region([NativeTypeName("const ng_segments *")] ng_segments* segments, void** low, void** high);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_segments_query([NativeTypeName("const ng_segments *")] ng_segments* segments, ng_segments_statistics* statistics);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_coroutine_create(ng_segments* segments, [NativeTypeName("ng_coroutine_body")] delegate* unmanaged[Cdecl]<ng_coroutine*, void*, void*> body, void* user, ng_coroutine** coroutine);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_coroutine_resume(ng_coroutine* coroutine, void* value, void** result);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void* ng_coroutine_yield(ng_coroutine* self, void* value);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_coroutine_state ng_coroutine_query([NativeTypeName("const ng_coroutine *")] ng_coroutine* coroutine);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void* ng_coroutine_user([NativeTypeName("const ng_coroutine *")] ng_coroutine* coroutine);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_coroutine_destroy(ng_coroutine* coroutine);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_slices_config ng_slices_config_default();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slices_create([NativeTypeName("const ng_slices_config *")] ng_slices_config* config, ng_slices** slices);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slices_destroy(ng_slices* slices);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_slice* ng_slices_main(ng_slices* slices);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_slice* ng_slices_current(ng_slices* slices);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slice_create(ng_slices* slices, [NativeTypeName("ng_entry")] delegate* unmanaged[Cdecl]<void*, void> entry, void* argument, ng_slice** slice);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slice_switch(ng_slice* target);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slice_finish(ng_slice* target);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slice_destroy(ng_slice* slice);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    public static extern ulong ng_slice_size([NativeTypeName("const ng_slice *")] ng_slice* slice);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_slices_query([NativeTypeName("const ng_slices *")] ng_slices* slices, ng_slices_statistics* statistics);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_clr_initialize([NativeTypeName("const ng_clr_layout *")] ng_clr_layout* layout);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_thread_stack(void** low, void** high);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    [SuppressGCTransition]
    public static extern ulong ng_thread_id();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    public static extern ulong ng_readable_bytes([NativeTypeName("const void *")] void* address, [NativeTypeName("uint64_t")] ulong size);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    public static extern ulong ng_object_bytes([NativeTypeName("const void *")] void* @object, [NativeTypeName("uint64_t")] ulong size);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_clr_record_add([NativeTypeName("ng_attach_callback")] delegate* unmanaged[Cdecl]<void> attach);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_clr_record_serve(void* thread);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_clr_record_lend(void* thread, void* owner, [NativeTypeName("uint32_t")] uint locals, [NativeTypeName("uint32_t")] uint unstarted_mask);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern void* ng_clr_record_reclaim([NativeTypeName("uint64_t")] ulong keep);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_carrier_attach(void* thread, [NativeTypeName("ng_commit_callback")] delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status> commit, [NativeTypeName("ng_entry_callback")] delegate* unmanaged[Cdecl]<ng_greenlet*, void> entry, ng_carrier** carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_greenlet* ng_carrier_main(ng_carrier* carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_carrier_detach(ng_carrier* carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_greenlet_create(ng_segments* segments, ng_greenlet** greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_greenlet_destroy(ng_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_greenlet_abandon(ng_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern void* ng_greenlet_exceptions([NativeTypeName("const ng_greenlet *")] ng_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_switch(ng_carrier* carrier, ng_greenlet* target, [NativeTypeName("uint32_t")] uint is_final);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_commit(ng_carrier* carrier, ng_greenlet* target, [NativeTypeName("uint32_t")] uint is_final);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void* ng_clr_direct();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void* ng_clr_direct_end();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_carrier_enter_directly(ng_carrier* carrier, [NativeTypeName("ng_entry_callback")] delegate* unmanaged[Cdecl]<ng_greenlet*, void> entry);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    [SuppressGCTransition]
    public static extern ulong ng_greenlet_stack_reach([NativeTypeName("const ng_greenlet *")] ng_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    [SuppressGCTransition]
    public static extern ulong ng_greenlet_stack_used([NativeTypeName("const ng_greenlet *")] ng_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_clr_query(ng_clr_statistics* statistics);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_words* ng_carrier_words(ng_carrier* carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_words_find(ng_words* words, [NativeTypeName("uint32_t")] uint is_checking, [NativeTypeName("uint32_t")] uint thread_local_data);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_words_learn();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_words_mark_heap(void* thread);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_words_find_blanks([NativeTypeName("const void *")] void* thread);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_load_watch_create([NativeTypeName("const void *")] void* thread, [NativeTypeName("uint64_t")] ulong size, [NativeTypeName("const void *")] void* runtime, [NativeTypeName("const void *")] void* high, ng_load_watch** watch);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_load_watch_look(ng_load_watch* watch);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_load_watch_finish(ng_load_watch* watch, [NativeTypeName("uint64_t *")] ulong* addresses, [NativeTypeName("uint32_t")] uint capacity, [NativeTypeName("uint32_t *")] uint* count);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_words_exchange(ng_words* words, void* address, [NativeTypeName("uint64_t")] ulong rest, ng_word_kind kind);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_words_refused([NativeTypeName("const ng_words *")] ng_words* words, ng_refusal* refusal);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_freeze_find_heap([NativeTypeName("const char *")] sbyte* module, [NativeTypeName("uint64_t")] ulong inside, [NativeTypeName("uint64_t")] ulong range, [NativeTypeName("uint64_t *")] ulong* low, [NativeTypeName("uint64_t *")] ulong* high);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_freeze_describe_frame([NativeTypeName("uint32_t")] uint stack_pointer, [NativeTypeName("uint32_t")] uint return_address, [NativeTypeName("uint32_t")] uint frame_pointer);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_freeze_initialize([NativeTypeName("const ng_freeze_layout *")] ng_freeze_layout* layout);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint32_t")]
    public static extern uint ng_freeze_describes([NativeTypeName("uint64_t")] ulong word);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern void ng_freeze_limit([NativeTypeName("uint32_t")] uint shapes, [NativeTypeName("uint64_t")] ulong bytes);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_greenlet* ng_freeze_stand_in();

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_freeze_verdict ng_freeze_find(ng_greenlet* greenlet, [NativeTypeName("uint32_t")] uint may_unload, ng_freeze_plan* plan);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern void ng_freeze_cancel([NativeTypeName("const ng_freeze_plan *")] ng_freeze_plan* plan);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_freeze([NativeTypeName("const ng_freeze_plan *")] ng_freeze_plan* plan, ng_frozen** frozen);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_greenlet* ng_thaw(ng_frozen* frozen, [NativeTypeName("const void *")] void* references);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_frozen_give_pages(ng_frozen* frozen);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_greenlet* ng_frozen_abandon(ng_frozen* frozen);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_greenlet_peek([NativeTypeName("const ng_greenlet *")] ng_greenlet* greenlet, [NativeTypeName("const ng_frozen *")] ng_frozen* frozen, [NativeTypeName("uint64_t *")] ulong* addresses, [NativeTypeName("uint32_t")] uint capacity, [NativeTypeName("uint32_t *")] uint* count);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_lesson_create(ng_greenlet* greenlet, ng_lesson** lesson);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_lesson_create_beside(ng_greenlet* greenlet, [NativeTypeName("const ng_lesson *")] ng_lesson* beside, ng_lesson** lesson);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint32_t")]
    [SuppressGCTransition]
    public static extern uint ng_lesson_size([NativeTypeName("const ng_lesson *")] ng_lesson* lesson);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_lesson_show(ng_lesson* lesson, [NativeTypeName("const void *")] void* references);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_lesson_look(ng_lesson* lesson, [NativeTypeName("const void *")] void* references);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_freeze_verdict ng_lesson_finish(ng_lesson* lesson);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    [return: NativeTypeName("uint32_t")]
    public static extern uint ng_freeze_tick([NativeTypeName("uint32_t")] uint is_full);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_freeze_query(ng_freeze_statistics* statistics);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_sliced_attach(void* thread, [NativeTypeName("const ng_slices_config *")] ng_slices_config* config, [NativeTypeName("ng_sliced_commit_callback")] delegate* unmanaged[Cdecl]<ng_sliced_carrier*, ng_sliced_greenlet*, uint, ng_status> commit, [NativeTypeName("ng_sliced_entry_callback")] delegate* unmanaged[Cdecl]<ng_sliced_greenlet*, void> entry, ng_sliced_carrier** carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_sliced_greenlet* ng_sliced_main(ng_sliced_carrier* carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_sliced_detach(ng_sliced_carrier* carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_sliced_create(ng_sliced_carrier* carrier, ng_sliced_greenlet** greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_sliced_destroy(ng_sliced_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_sliced_abandon(ng_sliced_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern void* ng_sliced_exceptions([NativeTypeName("const ng_sliced_greenlet *")] ng_sliced_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern void* ng_sliced_locate([NativeTypeName("const ng_sliced_greenlet *")] ng_sliced_greenlet* greenlet, [NativeTypeName("const void *")] void* address);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern ng_status ng_sliced_switch(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, [NativeTypeName("uint32_t")] uint is_final);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_sliced_commit(ng_sliced_carrier* carrier, ng_sliced_greenlet* target, [NativeTypeName("uint32_t")] uint is_final);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("uint64_t")]
    [SuppressGCTransition]
    public static extern ulong ng_sliced_stack_used([NativeTypeName("const ng_sliced_greenlet *")] ng_sliced_greenlet* greenlet);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_words* ng_sliced_words(ng_sliced_carrier* carrier);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [SuppressGCTransition]
    public static extern ng_status ng_sliced_query([NativeTypeName("const ng_sliced_carrier *")] ng_sliced_carrier* carrier, ng_slices_statistics* statistics);

    [DllImport("nativegreenlet", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("int64_t")]
    public static extern long ng_layout_of([NativeTypeName("const char *")] sbyte* name);

    [NativeTypeName("#define NG_ABI_VERSION 4")]
    public const int NG_ABI_VERSION = 4;

    [NativeTypeName("#define NG_CONTEXT_MINIMUM_STACK 8192")]
    public const int NG_CONTEXT_MINIMUM_STACK = 8192;
}

/// <summary>Defines the type of a member as it was used in the native signature.</summary>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter | AttributeTargets.ReturnValue, AllowMultiple = false, Inherited = true)]
[Conditional("DEBUG")]
internal sealed partial class NativeTypeNameAttribute : Attribute
{
    private readonly string _name;

    /// <summary>Initializes a new instance of the <see cref="NativeTypeNameAttribute" /> class.</summary>
    /// <param name="name">The name of the type that was used in the native signature.</param>
    public NativeTypeNameAttribute(string name)
    {
        _name = name;
    }

    /// <summary>Gets the name of the type that was used in the native signature.</summary>
    public string Name => _name;
}

/// <summary>Defines the annotation found in a native declaration.</summary>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter | AttributeTargets.ReturnValue, AllowMultiple = true, Inherited = false)]
[Conditional("DEBUG")]
internal sealed partial class NativeAnnotationAttribute : Attribute
{
    private readonly string _annotation;

    /// <summary>Initializes a new instance of the <see cref="NativeAnnotationAttribute" /> class.</summary>
    /// <param name="annotation">The annotation that was used in the native declaration.</param>
    public NativeAnnotationAttribute(string annotation)
    {
        _annotation = annotation;
    }

    /// <summary>Gets the annotation that was used in the native declaration.</summary>
    public string Annotation => _annotation;
}
