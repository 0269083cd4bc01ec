// Load for an echo server: so many TCP connections, each of which sends a message, waits until all of it has come back,
// and sends the next. Counts round trips, and how long each took. One thread, epoll; a client of our own, because the usual
// load tools speak HTTP.
//
//     echo_load PORT CONNECTIONS BYTES WARM-UP-MS MEASURE-MS [BUSY]
//
// Of BUSY connections only, evenly among all: the others send one message and then say no more. They come from several
// addresses of this machine, because one has 28,000 ports or so.
//
// The warm-up begins when every connection has had its first answer: until then the server is still accepting.
// prints names and values: rate (round trips per second), p50 p90 p99 max (microseconds), failed (connections lost).

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_BYTES         65536
#define CONNECTING_AT_ONCE 128
#define PATIENCE           10000000000u // nanoseconds for the first answers
#define FINE_BITS          6            // 64 steps for each power of two
#define STEPS              ((64 - FINE_BITS) << FINE_BITS)
#define FOR_EACH_ADDRESS   20000

struct connection {
  int socket;
  int received;
  int was_answered;
  int is_idle; // after its first answer
  uint64_t sent_at;
};

static char message[MOST_BYTES];
static char scratch[MOST_BYTES];
static uint64_t histogram[STEPS];
static uint64_t trips, longest;
static int failed, answered, bytes, poller;

static void stop(const char* what) {
  fprintf(stderr, "echo_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Values below 64 have a step each; above, the 6 bits after the highest one choose the step.
static int step_of(uint64_t value) {
  if (value < 1u << FINE_BITS) {
    return (int)value;
  }
  int shift = 63 - __builtin_clzll(value) - FINE_BITS;
  return (int)(((uint64_t)(shift + 1) << FINE_BITS) + (value >> shift) - (1u << FINE_BITS));
}

static uint64_t value_of(int step) {
  int shift = (step >> FINE_BITS) - 1;
  if (shift < 0) {
    return (uint64_t)step;
  }
  return ((uint64_t)(step & ((1 << FINE_BITS) - 1)) + (1u << FINE_BITS)) << shift;
}

static double percentile(double share) {
  uint64_t wanted = (uint64_t)((double)trips * share), seen = 0;
  for (int step = 0; step < STEPS; step++) {
    seen += histogram[step];
    if (seen > wanted) {
      return (double)value_of(step) / 1000;
    }
  }
  return (double)longest / 1000;
}

static void lose(struct connection* connection) {
  answered += !connection->was_answered; // or never: it is not waited for
  connection->was_answered = 1;
  close(connection->socket);
  connection->socket = -1;
  failed++;
}

static void send_message(struct connection* connection, uint64_t time) {
  connection->received = 0;
  connection->sent_at = time;
  if (send(connection->socket, message, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
    lose(connection);
  }
}

// Takes what has come; when that completes the message, sends the next. A message that differs is a loss.
static void receive(struct connection* connection, int is_measured) {
  ssize_t count = recv(connection->socket, scratch, (size_t)(bytes - connection->received), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (count <= 0 || memcmp(scratch, message + connection->received, (size_t)count) != 0) {
    lose(connection);
    return;
  }
  connection->received += (int)count;
  if (connection->received < bytes) {
    return;
  }
  uint64_t time = now();
  answered += !connection->was_answered;
  connection->was_answered = 1;
  if (is_measured) {
    uint64_t taken = time - connection->sent_at;
    histogram[step_of(taken)]++;
    longest = taken > longest ? taken : longest;
    trips++;
  }
  if (!connection->is_idle) {
    send_message(connection, time);
  }
}

static void start_connecting(struct connection* connection, int number, const struct sockaddr_in* address) {
  connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connection->socket < 0) {
    stop("socket");
  }
  int yes = 1;
  setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (number >= FOR_EACH_ADDRESS) {
    setsockopt(connection->socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)(number / FOR_EACH_ADDRESS));
    if (bind(connection->socket, (const struct sockaddr*)&own, sizeof own) != 0) {
      stop("bind");
    }
  }
  if (connect(connection->socket, (const struct sockaddr*)address, sizeof *address) != 0 && errno != EINPROGRESS) {
    stop("connect");
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->socket, &event) != 0) {
    stop("epoll_ctl");
  }
}

// Not all at once: the server's backlog is finite, and a SYN that it drops comes again a second later.
static void connect_all(struct connection* connections, int count, const struct sockaddr_in* address) {
  struct epoll_event events[CONNECTING_AT_ONCE];
  int begun = 0, done = 0;
  while (done < count) {
    while (begun < count && begun - done < CONNECTING_AT_ONCE) {
      start_connecting(&connections[begun], begun, address);
      begun++;
    }
    int ready = epoll_wait(poller, events, CONNECTING_AT_ONCE, 10000);
    if (ready <= 0) {
      stop("waiting for connections");
    }
    for (int i = 0; i < ready; i++) {
      struct connection* connection = events[i].data.ptr;
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        errno = error;
        stop("connect");
      }
      struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
      epoll_ctl(poller, EPOLL_CTL_MOD, connection->socket, &event);
      done++;
    }
  }
}

int main(int count, char** arguments) {
  if (count != 6 && count != 7) {
    fprintf(stderr, "usage: echo_load PORT CONNECTIONS BYTES WARM-UP-MS MEASURE-MS [BUSY]\n");
    return 2;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int number = atoi(arguments[2]);
  bytes = atoi(arguments[3]);
  if (number <= 0 || bytes <= 0 || bytes > MOST_BYTES) {
    fprintf(stderr, "echo_load: connections and bytes must be positive, and the bytes at most %d\n", MOST_BYTES);
    return 2;
  }
  uint64_t warm_up = (uint64_t)atoi(arguments[4]) * 1000000u, measure = (uint64_t)atoi(arguments[5]) * 1000000u;
  for (int i = 0; i < bytes; i++) {
    message[i] = (char)('a' + i % 26);
  }

  poller = epoll_create1(0);
  struct connection* connections = calloc((size_t)number, sizeof *connections);
  if (poller < 0 || connections == NULL) {
    stop("start");
  }
  int busy = count == 7 ? atoi(arguments[6]) : number;
  for (int i = 0; i < number; i++) {
    connections[i].is_idle = (int64_t)(i + 1) * busy / number == (int64_t)i * busy / number;
  }
  connect_all(connections, number, &address);
  uint64_t begin = now(), start = UINT64_MAX, end = UINT64_MAX;
  for (int i = 0; i < number; i++) {
    send_message(&connections[i], now());
  }
  printf("connected %d\n", number);
  fflush(stdout);

  struct epoll_event events[256];
  for (uint64_t time = now(); time < end; time = now()) {
    int ready = epoll_wait(poller, events, 256, 100);
    for (int i = 0; i < ready; i++) {
      struct connection* connection = events[i].data.ptr;
      if (connection->socket >= 0) {
        receive(connection, time >= start);
      }
    }
    if (start == UINT64_MAX && (answered == number || time - begin > PATIENCE)) {
      start = now() + warm_up;
      end = start + measure;
    }
  }
  printf("rate %.1f p50 %.1f p90 %.1f p99 %.1f max %.1f failed %d\n", (double)trips / ((double)measure / 1e9),
         percentile(0.5), percentile(0.9), percentile(0.99), (double)longest / 1000, failed);
  return 0;
}
