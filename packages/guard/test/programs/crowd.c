/* crowd N: N processes, each in a session of its own, that do nothing; says so once all are there. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  for (int n = argc > 1 ? atoi(argv[1]) - 1 : 0; n > 0; n--) {
    pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid == 0) {
      setsid();
      for (;;) pause();
    }
  }
  puts("all there");
  fflush(stdout);
  for (;;) pause();
}
