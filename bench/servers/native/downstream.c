// What the HTTP servers call: takes any TCP connection, and answers every request of 16 bytes with 16 bytes after a time.
// One thread, epoll, so that the same and little of the machine goes to it whichever server calls.
//
//     downstream DELAY-MS          prints "ready PORT"; ends when its standard input does

#include <stdint.h>
#include <time.h>

#include "loopback.h"

#define BYTES        16
#define MOST_WAITING (1 << 16)
#define EVENTS       256

struct answer {
  int socket;
  uint64_t due;
};

// Every answer waits equally long, so the first that was asked for is the first that is due.
static struct answer waiting[MOST_WAITING];
static unsigned first, last;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void receive(int socket, uint64_t due) {
  char request[BYTES];
  ssize_t count = recv(socket, request, sizeof request, 0);
  if (count == BYTES) {
    waiting[last++ % MOST_WAITING] = (struct answer){.socket = socket, .due = due};
    if (last - first > MOST_WAITING) {
      errno = ENOBUFS;
      stop("too many requests");
    }
  } else if (count >= 0 || errno != EAGAIN) {
    close(socket);
  }
}

static void answer_due(uint64_t time) {
  while (first != last && waiting[first % MOST_WAITING].due <= time) {
    // One that has closed meanwhile does not get it; nothing else can have its number before it was closed here.
    (void)!send(waiting[first % MOST_WAITING].socket, "0123456789abcdef", BYTES, MSG_NOSIGNAL);
    first++;
  }
}

int main(int count, char** arguments) {
  uint64_t delay = (uint64_t)(count > 1 ? atoi(arguments[1]) : 10) * 1000000u;
  int poller = epoll_create1(0), listener = start(poller, "");

  for (;;) {
    struct epoll_event events[EVENTS];
    struct timespec left, *patience = NULL;
    if (first != last) {
      uint64_t time = now(), due = waiting[first % MOST_WAITING].due;
      uint64_t rest = due > time ? due - time : 0;
      left = (struct timespec){.tv_sec = (time_t)(rest / 1000000000u), .tv_nsec = (long)(rest % 1000000000u)};
      patience = &left;
    }
    int ready = epoll_pwait2(poller, events, EVENTS, patience, NULL);
    if (ready < 0 && errno != EINTR) {
      stop("epoll_pwait2");
    }
    uint64_t time = now();
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == STDIN_FILENO) {
        return 0;
      }
      if (events[i].data.fd == listener) {
        accept_all(poller, listener);
      } else {
        receive(events[i].data.fd, time + delay);
      }
    }
    answer_due(time);
  }
}
