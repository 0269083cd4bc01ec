/* As stdlib.h beside it. Clang's header of vector instructions includes it. */
#pragma once
#include <stddef.h>

void* _aligned_malloc(size_t size, size_t alignment);
void _aligned_free(void* memory);
#define _mm_malloc(size, alignment) _aligned_malloc(size, alignment)
#define _mm_free(memory)            _aligned_free(memory)
