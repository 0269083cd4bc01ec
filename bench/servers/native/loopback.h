// What the servers here have in common: one thread, epoll, any TCP connection of this machine; they end with their standard
// input.
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void stop(const char* what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  exit(1);
}

static inline void watch(int poller, int file) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = file};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, file, &event) != 0) {
    stop("epoll_ctl");
  }
}

// Listens on any port that is free, watches that and the standard input, and prints "ready PORT", with what is to follow.
static inline int start(int poller, const char* version) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener < 0 || poller < 0 || bind(listener, (struct sockaddr*)&address, size) != 0 ||
      listen(listener, 8192) != 0 || getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
    stop("start");
  }
  watch(poller, listener);
  watch(poller, STDIN_FILENO);
  printf("ready %d%s\n", ntohs(address.sin_port), version);
  fflush(stdout);
  return listener;
}

static inline void accept_all(int poller, int listener) {
  int socket;
  while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(poller, socket);
  }
}

#endif
