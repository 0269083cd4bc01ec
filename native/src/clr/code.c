/* The runtime's own map of managed code.

   SPDX-License-Identifier: MIT */
#include "freeze.h"

enum { MAP_LEVELS = 5, MAP_BITS = 8, MAP_LOWEST = 17 };

static uintptr_t word_at(uintptr_t address, uint32_t offset) {
  return *(const uintptr_t*)(address + offset);
}

// The map is a tree of five levels, by eight bits of the address each, down to ranges of 128 KiB, whose entries are lists. The
// runtime changes it while other threads read it; what it takes out of it, it frees when no thread is in cooperative mode. The
// lowest bit of an entry is a mark of its own.
bool ng_code_find(uintptr_t address, bool* is_collectible) {
  *is_collectible = false;
  uintptr_t entry = (uintptr_t)ng_freezing.code_map;
  for (int level = MAP_LEVELS - 1; level >= 0; level--) {
    const uintptr_t index = (address >> (MAP_LOWEST + level * MAP_BITS)) & ((1 << MAP_BITS) - 1);
    entry = ((const uintptr_t*)entry)[index] & ~(uintptr_t)1;
    if (entry == 0) {
      return false;
    }
  }
  while (entry != 0) {
    if (word_at(entry, ng_freezing.fragment_begin) <= address && address < word_at(entry, ng_freezing.fragment_end)) {
      const uintptr_t section = word_at(entry, ng_freezing.fragment_section);
      *is_collectible = (*(const uint32_t*)(section + ng_freezing.section_flags) & ng_freezing.section_collectible) != 0;
      return true;
    }
    entry = word_at(entry, ng_freezing.fragment_next) & ~(uintptr_t)1;
  }
  return false;
}
