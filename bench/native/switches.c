/* Times one switch by each contender: every sample in a fresh process (the library's kind of context is chosen once per
   process, and where the loader puts things is part of the noise), the contenders in turn, the median of the rounds.

     switches [--rounds N] [--milliseconds N] [--json FILE]
     switches --only NAME MILLISECONDS          what the child processes run: prints nanoseconds per switch

   SPDX-License-Identifier: MIT */
#include "contender.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#  include <windows.h>
#  include <io.h>
#  define popen _popen
#  define pclose _pclose
#  define is_terminal(stream) (_isatty(_fileno(stream)) != 0)
#else
#  include <time.h>
#  include <unistd.h>
#  define is_terminal(stream) (isatty(fileno(stream)) != 0)
#endif

enum { MOST_ROUNDS = 99, LINE = 512 };

static const contender* const contenders[] = {&ng_assembly, &ng_ucontext, &ng_fiber, &ng_coroutines, &boost_fcontext};
enum { COUNT = sizeof contenders / sizeof *contenders };

typedef struct samples {
  double values[MOST_ROUNDS]; // nanoseconds per switch
  int count;
  char problem[LINE]; // why there are none
} samples;

// Nanoseconds since some moment.
static double now(void) {
#if defined(_WIN32)
  LARGE_INTEGER frequency;
  LARGE_INTEGER count;
  QueryPerformanceFrequency(&frequency);
  QueryPerformanceCounter(&count);
  return (double)count.QuadPart * 1e9 / (double)frequency.QuadPart;
#else
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
#endif
}

// Doubles the number of round trips until they fill the time; the first ones warm up.
static double measure(const contender* subject, double nanoseconds) {
  for (uint64_t count = 1024;; count *= 2) {
    const double start = now();
    subject->round_trips(count);
    const double elapsed = now() - start;
    if (elapsed >= nanoseconds / 2) {
      return elapsed / (double)count / 2;
    }
  }
}

static int run_one(const char* name, double milliseconds) {
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(contenders[i]->name, name) == 0) {
      const char* problem = contenders[i]->prepare();
      if (problem != NULL) {
        printf("! %s\n", problem);
      } else {
        printf("%.4f\n", measure(contenders[i], milliseconds * 1e6));
      }
      return 0;
    }
  }
  fprintf(stderr, "switches: there is no contender '%s'\n", name);
  return 2;
}

// One sample from a child process.
static void sample(const char* program, const contender* subject, int milliseconds, samples* into) {
  char command[LINE];
  char line[LINE] = "! it could not be started";
  snprintf(command, sizeof command, "\"%s\" --only %s %d", program, subject->name, milliseconds);
  FILE* child = popen(command, "r");
  if (child != NULL) {
    if (fgets(line, sizeof line, child) == NULL) {
      strcpy(line, "! it crashed");
    }
    (void)pclose(child);
  }
  line[strcspn(line, "\r\n")] = '\0';
  if (line[0] == '!') {
    strcpy(into->problem, line + 2);
  } else {
    into->values[into->count++] = atof(line);
  }
}

static int compare(const void* left, const void* right) {
  const double l = *(const double*)left;
  const double r = *(const double*)right;
  return (l > r) - (l < r);
}

static double median(const samples* from) {
  double sorted[MOST_ROUNDS];
  memcpy(sorted, from->values, sizeof sorted);
  qsort(sorted, (size_t)from->count, sizeof *sorted, compare);
  return sorted[from->count / 2];
}

static void print_table(const samples* results) {
  const samples* boost = &results[COUNT - 1];
  printf("%-36s%10s%16s\n", "one switch, median", "ns", "Boost.Context=1");
  for (int i = 0; i < COUNT; i++) {
    if (results[i].count == 0) {
      printf("%-36s%10s  %s\n", contenders[i]->label, "-", results[i].problem);
    } else if (boost->count == 0) {
      printf("%-36s%10.2f%16s\n", contenders[i]->label, median(&results[i]), "-");
    } else {
      printf("%-36s%10.2f%16.2f\n", contenders[i]->label, median(&results[i]), median(&results[i]) / median(boost));
    }
  }
}

static bool write_json(const char* path, const samples* results) {
  FILE* file = fopen(path, "w");
  if (file == NULL) {
    perror(path);
    return false;
  }
  fprintf(file, "{\n");
  for (int i = 0; i < COUNT; i++) {
    fprintf(file, "  \"%s\": {\"label\": \"%s\", ", contenders[i]->name, contenders[i]->label);
    if (results[i].count == 0) {
      fprintf(file, "\"skipped\": \"%s\"}", results[i].problem);
    } else {
      fprintf(file, "\"median\": %.4f, \"samples\": [", median(&results[i]));
      for (int j = 0; j < results[i].count; j++) {
        fprintf(file, "%s%.4f", j > 0 ? ", " : "", results[i].values[j]);
      }
      fprintf(file, "]}");
    }
    fprintf(file, "%s\n", i + 1 < COUNT ? "," : "");
  }
  fprintf(file, "}\n");
  return fclose(file) == 0;
}

int main(int argument_count, char** arguments) {
  int rounds = 15;
  int milliseconds = 100;
  const char* json = NULL;
  for (int i = 1; i < argument_count; i++) {
    const int left = argument_count - i - 1;
    if (strcmp(arguments[i], "--only") == 0 && left == 2) {
      return run_one(arguments[i + 1], atof(arguments[i + 2]));
    } else if (strcmp(arguments[i], "--rounds") == 0 && left > 0) {
      rounds = atoi(arguments[++i]);
    } else if (strcmp(arguments[i], "--milliseconds") == 0 && left > 0) {
      milliseconds = atoi(arguments[++i]);
    } else if (strcmp(arguments[i], "--json") == 0 && left > 0) {
      json = arguments[++i];
    } else {
      rounds = 0;
    }
  }
  if (rounds < 1 || rounds > MOST_ROUNDS || milliseconds < 1) {
    fprintf(stderr, "usage: switches [--rounds 1..%d] [--milliseconds N] [--json FILE]\n", MOST_ROUNDS);
    return 2;
  }

  static samples results[COUNT];
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < COUNT; i++) {
      if (results[i].problem[0] == '\0') {
        if (is_terminal(stderr)) {
          fprintf(stderr, "\rround %d of %d: %-40s", round + 1, rounds, contenders[i]->label);
        }
        sample(arguments[0], contenders[i], milliseconds, &results[i]);
      }
    }
  }
  if (is_terminal(stderr)) {
    fprintf(stderr, "\r%60s\r", "");
  }
  print_table(results);
  return json == NULL || write_json(json, results) ? 0 : 1;
}
