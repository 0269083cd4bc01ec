// The least that an echo server can cost: one thread, epoll, no more calls of the system than it takes. What no server on
// one thread can be faster than, so the others are seen beside it.
//
//     echo [echo]                  prints "ready PORT VERSION"; ends when its standard input does

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES  4096
#define EVENTS 256

static void stop(const char* what) {
  fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void watch(int poller, int file, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = file};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, file, &event) != 0) {
    stop("epoll_ctl");
  }
}

static void accept_all(int poller, int listener) {
  int socket;
  while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(poller, socket, EPOLLIN);
  }
}

// Messages are small and answered before the next comes, so there is always room to send.
static void answer(int socket) {
  char bytes[BYTES];
  ssize_t count = recv(socket, bytes, sizeof bytes, 0);
  if (count <= 0 || send(socket, bytes, (size_t)count, MSG_NOSIGNAL) != count) {
    close(socket);
  }
}

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr*)&address, size) != 0 || listen(listener, 8192) != 0 ||
      getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
    stop("listen");
  }

  int poller = epoll_create1(0);
  watch(poller, listener, EPOLLIN);
  watch(poller, STDIN_FILENO, EPOLLIN);
  printf("ready %d C (%s)\n", ntohs(address.sin_port), __VERSION__);
  fflush(stdout);

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
