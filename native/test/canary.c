// A library with the mistakes that the sanitized addon must not have: it shows that the tests of
// that would see them. Its constructor makes the one that CANARY names.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void* volatile lost;
static volatile int number = INT_MAX;

__attribute__((constructor)) static void Sing(void) {
  const char* const what = getenv("CANARY");
  if (what == NULL) return;
  if (strcmp(what, "leak") == 0) {
    lost = malloc(1234);
    lost = NULL;
  } else if (strcmp(what, "freed") == 0) {
    lost = calloc(1, 1);
    free(lost);
    number = *(volatile char*)lost;
  } else if (strcmp(what, "overflow") == 0) {
    number = number + 1;
  }
}
