// The least that an echo server can cost: one thread, epoll, no more calls of the system than it takes. What no server on
// one thread can be faster than, so the others are seen beside it.
//
//     echo [echo]                  prints "ready PORT VERSION"; ends when its standard input does

#include "loopback.h"

#define BYTES  4096
#define EVENTS 256

// Messages are small and answered before the next comes, so there is always room to send.
static void answer(int socket) {
  char bytes[BYTES];
  ssize_t count = recv(socket, bytes, sizeof bytes, 0);
  if (count <= 0 || send(socket, bytes, (size_t)count, MSG_NOSIGNAL) != count) {
    close(socket);
  }
}

int main(void) {
  int poller = epoll_create1(0), listener = start(poller, " C (" __VERSION__ ")");

  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == STDIN_FILENO) {
        return 0;
      }

      if (events[i].data.fd == listener) {
        accept_all(poller, listener);
      } else {
        answer(events[i].data.fd);
      }
    }
  }
}
