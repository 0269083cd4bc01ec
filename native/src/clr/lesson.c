/* Learning a shape: which words of a stack are references is asked of the collector.

   A decoy is a copy of a parked stack in memory of its own, linked into the carrier's chain as any parked stack is. Each of its
   words that may be a reference gets one to a young object of its own, and a collection that moves these objects rewrites
   exactly the words that the walk of this stack reports. No word of a decoy ever holds what the collector could not meet in
   a stack. There are three questions, and one collection answers each:

     which words are reported    those that were rewritten; one that was not, although its object moved, is plain. What keeps its
                                 object from moving is pinned.
     which of them are byrefs    a thread record shows the decoy as if all of the heap were the record's stack. The runtime
                                 passes over byrefs that lead into the stack of their thread, and over no reference.
     which are return addresses  one decoy for each word that leads into code, which it replaces by an address of native code.
                                 The walk ends there if it is one, and does not come to the highest reference.

   Several lessons of one carrier may be given side by side, and have their collections in common: each walks all that is linked, which
   is what makes a lesson dear.

   What held another address could be the hidden parameter of a shared generic method, or something else that the walk depends on, and is
   not tried; unless an earlier lesson of the shape has shown that it can be (shape.c).

   SPDX-License-Identifier: MIT */
#include "freeze.h"

#include "../stacks/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CUTS = 128, MOST_ROUNDS = 24, MOST_STUCK = 3 };

#if defined(__aarch64__)
enum { ADDRESS_BITS = 48 };
#endif

typedef enum lesson_stage { STAGE_REPORTED, STAGE_BYREFS, STAGE_RETURNS, STAGE_DONE, STAGE_FAILED } lesson_stage;

typedef enum word_state { // of a word while the lesson lasts
  WORD_OPEN,              // may be reported
  WORD_PLAIN,
  WORD_REPORTED, // a byref unless it is told otherwise
  WORD_REFERENCE,
  WORD_PINNED,
  WORD_UNKNOWN,
  WORD_CODE,
  WORD_FIXED, // the runtime's own, not to be tried
  WORD_STACK,
} word_state;

struct ng_lesson {
  ng_greenlet* source;
  ng_carrier* carrier;
  ng_parked parked;
  uint32_t words;
  uint32_t top; // the highest word that is reported
  uint32_t rounds;
  uint32_t cut_count;
  lesson_stage stage;
  ng_decoy copy;
  ng_decoy cuts[MOST_CUTS];
  uint8_t* states;
  uint8_t* stuck;
  uintptr_t* original;
  uintptr_t* shown; // what each word of the decoy held
  uintptr_t control;
  bool is_apart;         // shown by that record,
  ng_lesson* next_apart; // before this one
  bool may_unload; // some of its code can be unloaded, and
  bool is_reserved; // there is a record for what keeps that
};

// The head of a chain whose stack seems to be the whole heap: it has to lie below the heap. It has the decoys whose second question is open.
static ng_frame* low_frame;
static ng_lesson* first_apart;
static ng_record* apart; // what shows them, while there are any, and
static uintptr_t apart_limits[NG_LIMIT_COUNT]; // its own limits meanwhile

// There is one such head, and whoever adds a shape frees what was taken out before. Two copies of the managed library have this one
// in common, so it is not enough that each of them has one thread at a time give lessons.
static atomic_bool is_given;
static uint32_t open_count; // of those that are given side by side: their thread's
static bool has_collected;  // since one of them was finished last

static bool make_low_frame(void) {
  if (low_frame == NULL) {
    low_frame = (ng_frame*)ng_memory_below((uintptr_t)ng_freezing.heap_low);
  }
  return low_frame != NULL;
}

static void close_one(void) {
  if (--open_count == 0) {
    atomic_store(&is_given, false);
  }
}

// A return address that is signed differs from stack to stack, so it is no key.
static bool is_signed_code(uintptr_t word) {
#if defined(__aarch64__)
  const uintptr_t address = word & (((uintptr_t)1 << ADDRESS_BITS) - 1);
  bool is_collectible;
  return address != word && address >= NG_SMALL && ng_code_find(address, &is_collectible);
#else
  (void)word;
  return false;
#endif
}

static word_state first_state(ng_lesson* lesson, const ng_shape* known, uint32_t index) {
  const uintptr_t low = (uintptr_t)lesson->parked.stack;
  const uintptr_t word = lesson->parked.stack[index];
  // The control block above belongs to the stack: what lies at its bottom leads there.
  const uintptr_t size = lesson->words * sizeof word + (NG_MEMORY_FOR_STACKS ? sizeof *lesson->source : 0);
  const bool is_stack = word - low < size || word == (uintptr_t)ng_terminator_of(lesson->source);
  bool is_collectible = false;
  const bool is_code = ng_code_find(word, &is_collectible);
  lesson->may_unload |= is_collectible;
  switch (ng_frame_part_of(&lesson->parked, index)) {
    case NG_PART_KEY:
      return is_stack ? WORD_STACK : WORD_FIXED;
    case NG_PART_PLAIN:
      return WORD_PLAIN;
    default:
      return is_stack                                                       ? WORD_STACK
             : word < NG_SMALL || ng_is_heap(word)                          ? WORD_OPEN
             : ng_shape_may_try(known, lesson->parked.stack, index)         ? WORD_OPEN
             : is_code                                                      ? WORD_CODE
                                                                            : WORD_UNKNOWN;
  }
}

ng_status ng_lesson_create_beside(ng_greenlet* greenlet, const ng_lesson* beside, ng_lesson** result) {
  *result = NULL;
  ng_parked parked;
  if (!ng_parked_look(greenlet, &parked) || parked.words <= parked.code || parked.words > NG_DEEPEST ||
      (beside != NULL && beside->carrier != greenlet->carrier)) {
    return NG_ERROR_STATE;
  }
  const uint32_t words = parked.words;
  for (uint32_t i = 0; i < words; i++) {
    if (is_signed_code(parked.stack[i])) {
      return NG_ERROR_NOT_SUPPORTED;
    }
  }
  if (beside == NULL && atomic_exchange(&is_given, true)) {
    return NG_RETRY;
  }
  open_count++;
  const size_t size = sizeof(ng_lesson) + words * (2 * sizeof(uintptr_t) + 2);
  ng_lesson* lesson = make_low_frame() ? calloc(1, size) : NULL;
  if (lesson == NULL) {
    close_one();
    return NG_ERROR_MEMORY;
  }
  lesson->source = greenlet;
  lesson->carrier = greenlet->carrier;
  lesson->parked = parked;
  lesson->words = words;
  lesson->original = (uintptr_t*)(lesson + 1);
  lesson->shown = lesson->original + words;
  lesson->states = (uint8_t*)(lesson->shown + words);
  lesson->stuck = lesson->states + words;
  if (!ng_decoy_make(&parked, &lesson->copy)) {
    free(lesson);
    close_one();
    return NG_ERROR_MEMORY;
  }
  memcpy(lesson->original, parked.stack, words * sizeof *parked.stack);
  const ng_shape* known = ng_shape_of(&parked);
  for (uint32_t i = 0; i < words; i++) {
    lesson->states[i] = (uint8_t)first_state(lesson, known, i);
  }
  *result = lesson;
  return NG_OK;
}

ng_status ng_lesson_create(ng_greenlet* greenlet, ng_lesson** result) {
  return ng_lesson_create_beside(greenlet, NULL, result);
}

uint32_t ng_lesson_size(const ng_lesson* lesson) {
  return lesson->words + 1; // the last one only tells whether the collection moves anything
}

// What a decoy holds of a word that is not asked about.
static uintptr_t at_rest(const ng_lesson* lesson, const ng_decoy* copy, uint32_t index) {
  const uintptr_t word = lesson->original[index];
  if (lesson->states[index] == WORD_STACK) {
    return ng_decoy_relocate(copy, lesson->source, &lesson->parked, word);
  }
  return word >= NG_SMALL && ng_is_heap(word) ? 0 : word; // an object that may be gone by now
}

static bool is_asked(const ng_lesson* lesson, uint32_t index) {
  return lesson->states[index] == (lesson->stage == STAGE_REPORTED ? WORD_OPEN : WORD_REPORTED);
}

static void fill(ng_lesson* lesson, const uintptr_t* references) {
  for (uint32_t i = 0; i < lesson->words; i++) {
    const uintptr_t word = is_asked(lesson, i) ? references[i] : at_rest(lesson, &lesson->copy, i);
    lesson->copy.stack[i] = word;
    lesson->shown[i] = word;
  }
}

static bool open_apart(void) {
  apart = ng_record_take();
  if (apart == NULL) {
    return false;
  }
  memcpy(apart_limits, apart->thread.limits, sizeof apart_limits);
  apart->thread.limits[0] = (uintptr_t)ng_freezing.heap_high;
  apart->thread.limits[1] = (uintptr_t)ng_freezing.heap_low - sizeof(uintptr_t);
  ng_frame_make(low_frame, (uintptr_t)ng_layout.frame_end);
  *apart->thread.frame = (uintptr_t)low_frame;
  return true;
}

static void close_apart(void) {
  memcpy(apart->thread.limits, apart_limits, sizeof apart_limits);
  ng_record_give_back(apart);
  apart = NULL;
}

// In no carrier's chain: each leads to the one that was shown before it, the last to the end.
static ng_status show_apart(ng_lesson* lesson, const uintptr_t* references) {
  if (apart == NULL && !open_apart()) {
    return NG_NEED_RECORD;
  }
  fill(lesson, references);
  ng_greenlet* decoy = lesson->copy.greenlet;
  ng_decoy_park(&lesson->copy);
  decoy->state = NG_GREENLET_READY;
  uintptr_t* head_link = ng_frame_link(low_frame);
  *decoy->terminator_link = *head_link;
  *head_link = lesson->copy.shown;
  lesson->next_apart = first_apart;
  first_apart = lesson;
  lesson->is_apart = true;
  return NG_OK;
}

static void hide_apart(ng_lesson* lesson) {
  if (!lesson->is_apart) {
    return;
  }
  uintptr_t* head_link = ng_frame_link(low_frame);
  uintptr_t* link = head_link;
  ng_lesson** place = &first_apart;
  while (*place != lesson) {
    link = (*place)->copy.greenlet->terminator_link;
    place = &(*place)->next_apart;
  }
  ng_assert(*link == lesson->copy.shown);
  *place = lesson->next_apart;
  *link = *lesson->copy.greenlet->terminator_link;
  *lesson->copy.greenlet->terminator_link = (uintptr_t)ng_layout.frame_end;
  lesson->is_apart = false;
  if (*head_link == (uintptr_t)ng_layout.frame_end) {
    close_apart();
  }
}

// Where a walk ends. On Windows the walker takes a finally that is not called from the runtime's own module for one that its method calls
// on its way, and looks for that method's frame: so it is an address of that module there. Only where it lies matters.
static uintptr_t native_address(void) {
#if defined(_WIN32)
  return (uintptr_t)ng_freezing.code_map;
#else
  return (uintptr_t)ng_greenlet_enter;
#endif
}

static void show_cuts(ng_lesson* lesson, const uintptr_t* references) {
  for (uint32_t k = 0; k < lesson->cut_count; k++) {
    ng_decoy* cut = &lesson->cuts[k];
    for (uint32_t i = 0; i < lesson->words; i++) {
      cut->stack[i] = i == cut->cut      ? native_address()
                      : i == lesson->top ? references[i]
                                         : at_rest(lesson, cut, i);
    }
    ng_decoy_link(cut, lesson->carrier);
  }
}

ng_status ng_lesson_show(ng_lesson* lesson, const void* given) {
  const uintptr_t* references = (const uintptr_t*)given;
  if (lesson->may_unload && !lesson->is_reserved) {
    if (ng_keeper_reserve() != NG_OK) {
      return NG_NEED_RECORD;
    }
    lesson->is_reserved = true;
  }
  lesson->control = references[lesson->words];
  switch (lesson->stage) {
    case STAGE_REPORTED:
      fill(lesson, references);
      ng_decoy_link(&lesson->copy, lesson->carrier);
      return NG_OK;
    case STAGE_BYREFS:
      return show_apart(lesson, references);
    case STAGE_RETURNS:
      lesson->shown[lesson->top] = references[lesson->top];
      show_cuts(lesson, references);
      return NG_OK;
    default:
      return NG_ERROR_STATE;
  }
}

static bool has_state(const ng_lesson* lesson, word_state state) {
  return memchr(lesson->states, (int)state, lesson->words) != NULL;
}

// Decoys for the third question. Where there is no memory for more, words remain that are taken for return addresses.
static void prepare_cuts(ng_lesson* lesson) {
  for (uint32_t i = 0; i < lesson->words; i++) {
    if (lesson->states[i] == WORD_REPORTED || lesson->states[i] == WORD_REFERENCE) {
      lesson->top = i;
    }
  }
  for (uint32_t i = 0; i < lesson->top && lesson->cut_count < MOST_CUTS; i++) {
    if (lesson->states[i] == WORD_CODE && ng_decoy_make(&lesson->parked, &lesson->cuts[lesson->cut_count])) {
      lesson->cuts[lesson->cut_count++].cut = i;
    }
  }
}

static void advance(ng_lesson* lesson) {
  lesson->rounds = 0;
  if (lesson->stage == STAGE_REPORTED && has_state(lesson, WORD_REPORTED)) {
    lesson->stage = STAGE_BYREFS;
    return;
  }
  prepare_cuts(lesson);
  lesson->stage = lesson->cut_count > 0 ? STAGE_RETURNS : STAGE_DONE;
}

static bool look_at_copy(ng_lesson* lesson, const uintptr_t* references) {
  const bool has_moved = references[lesson->words] != lesson->control;
  for (uint32_t i = 0; i < lesson->words; i++) {
    const uintptr_t before = lesson->shown[i];
    const uintptr_t now = lesson->copy.stack[i];
    if (!is_asked(lesson, i)) {
      if (now != before) {
        return false; // rewritten although it is no reference
      }
    } else if (now != before && now != references[i]) {
      return false;
    } else if (references[i] == before) { // its object is where it was
      if (has_moved && ++lesson->stuck[i] == MOST_STUCK && lesson->stage == STAGE_REPORTED) {
        lesson->states[i] = WORD_PINNED;
      }
    } else if (lesson->stage == STAGE_REPORTED) {
      lesson->states[i] = now == before ? WORD_PLAIN : WORD_REPORTED;
    } else if (now != before) {
      lesson->states[i] = WORD_REFERENCE;
    } else {
      lesson->stuck[i] = MOST_STUCK; // a byref: passed over, although its object moved
    }
  }
  return true;
}

static bool is_byref_open(const ng_lesson* lesson) {
  for (uint32_t i = 0; i < lesson->words; i++) {
    if (lesson->states[i] == WORD_REPORTED && lesson->stuck[i] < MOST_STUCK) {
      return true;
    }
  }
  return false;
}

static void look_at_cuts(ng_lesson* lesson, const uintptr_t* references) {
  for (uint32_t k = 0; k < lesson->cut_count; k++) {
    if (lesson->cuts[k].stack[lesson->top] == references[lesson->top]) {
      lesson->states[lesson->cuts[k].cut] = WORD_UNKNOWN; // the walk went on: no return address
    }
  }
}

ng_status ng_lesson_look(ng_lesson* lesson, const void* given) {
  const uintptr_t* references = (const uintptr_t*)given;
  bool is_open = false;
  lesson->rounds++;
  has_collected |= references[lesson->words] != lesson->control;
  switch (lesson->stage) {
    case STAGE_REPORTED:
      ng_decoy_unlink(&lesson->copy);
      if (!look_at_copy(lesson, references)) {
        lesson->stage = STAGE_FAILED;
        return NG_ERROR_NOT_SUPPORTED;
      }
      is_open = has_state(lesson, WORD_OPEN);
      if (is_open && lesson->rounds == MOST_ROUNDS) {
        lesson->stage = STAGE_FAILED; // nothing moves: another time
        return NG_ERROR_STATE;
      }
      if (!is_open) {
        memset(lesson->stuck, 0, lesson->words);
      }
      break;
    case STAGE_BYREFS:
      hide_apart(lesson);
      if (!look_at_copy(lesson, references)) {
        lesson->stage = STAGE_FAILED;
        return NG_ERROR_NOT_SUPPORTED;
      }
      is_open = is_byref_open(lesson) && lesson->rounds < MOST_ROUNDS; // what is still open is taken for a byref: always right
      break;
    case STAGE_RETURNS:
      for (uint32_t k = 0; k < lesson->cut_count; k++) {
        ng_decoy_unlink(&lesson->cuts[k]);
      }
      if (references[lesson->top] != lesson->shown[lesson->top]) {
        look_at_cuts(lesson, references);
      } else {
        is_open = lesson->rounds < MOST_ROUNDS;
      }
      if (!is_open) {
        lesson->stage = STAGE_DONE;
        return NG_OK;
      }
      break;
    default:
      return NG_ERROR_STATE;
  }
  if (!is_open) {
    advance(lesson);
  }
  return lesson->stage == STAGE_DONE ? NG_OK : NG_RETRY;
}

// A word that leads into the stack decides where the walk goes on if it is a saved frame pointer: directly below a return address,
// or leading there. Where a frame pointer leads to any place of its frame, each word that leads upwards is taken for one.
static bool is_frame_pointer(const ng_lesson* lesson, uint32_t index) {
  if (index == lesson->parked.frame_pointer || ng_frame_part_of(&lesson->parked, index) == NG_PART_KEY ||
      (index + 1 < lesson->words && lesson->states[index + 1] == WORD_CODE)) {
    return true;
  }
  const uintptr_t target = (lesson->original[index] - (uintptr_t)lesson->parked.stack) / sizeof(uintptr_t);
  return NG_HAS_FRAME_RECORDS ? target + 1 < lesson->words && lesson->states[target + 1] == WORD_CODE : target > index;
}

static ng_word_role role_of(const ng_lesson* lesson, uint32_t index) {
  switch ((word_state)lesson->states[index]) {
    case WORD_PLAIN:
      return NG_ROLE_PLAIN;
    case WORD_REPORTED:
      return NG_ROLE_INTERIOR;
    case WORD_REFERENCE:
      return NG_ROLE_REFERENCE;
    case WORD_PINNED:
      return NG_ROLE_PINNED;
    case WORD_CODE:
    case WORD_FIXED:
      return NG_ROLE_CODE;
    case WORD_STACK:
      return is_frame_pointer(lesson, index) ? NG_ROLE_STACK : NG_ROLE_UNKNOWN;
    default:
      return ng_may_be_description(lesson->original[index]) ? NG_ROLE_CONTEXT : NG_ROLE_UNKNOWN;
  }
}

// What is shown in place of frozen stacks of the shape: their code, no object, and no byref.
static void empty(ng_lesson* lesson) {
  for (uint32_t i = 0; i < lesson->words; i++) {
    const word_state state = (word_state)lesson->states[i];
    const bool is_reported = state == WORD_REPORTED || state == WORD_REFERENCE || state == WORD_PINNED;
    lesson->copy.stack[i] = is_reported ? 0 : at_rest(lesson, &lesson->copy, i);
  }
}

ng_freeze_verdict ng_lesson_finish(ng_lesson* lesson) {
  ng_freeze_verdict verdict = NG_FREEZE_REFUSED;
  hide_apart(lesson); // what was not looked at
  ng_decoy_unlink(&lesson->copy);
  for (uint32_t k = 0; k < lesson->cut_count; k++) {
    ng_decoy_unlink(&lesson->cuts[k]);
    free(lesson->cuts[k].block);
  }
  if (lesson->stage == STAGE_DONE) {
    uint8_t roles[NG_DEEPEST];
    for (uint32_t i = 0; i < lesson->words; i++) {
      roles[i] = (uint8_t)role_of(lesson, i);
    }
    empty(lesson);
    verdict = ng_shape_add(&lesson->parked, roles, has_collected, &lesson->copy);
    has_collected = false; // what the next one finishes may have been taken out just now
  }
  if (lesson->is_reserved) {
    ng_keeper_cancel();
  }
  free(lesson->copy.block);
  free(lesson);
  close_one();
  return verdict;
}
