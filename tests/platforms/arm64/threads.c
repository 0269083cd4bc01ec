/*
 * Prints how many threads the system says that this process has. The program starts none, so it is one; more are the emulator's.
 */
#include <dirent.h>
#include <stdio.h>

int main(void) {
  DIR* directory = opendir("/proc/self/task");
  if (directory == NULL) {
    perror("/proc/self/task");
    return 1;
  }
  int count = 0;
  for (const struct dirent* entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    count += entry->d_name[0] != '.';
  }
  (void)closedir(directory);
  printf("%d\n", count);
  return 0;
}
