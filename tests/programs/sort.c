/* Sorts numbers of a generator twice, by quicksort (with insertion sort for short pieces) and by
 * heapsort; prints every 16th, and a checksum of the order. Input: how many numbers. */
enum { LIMIT = 512, SHORT = 8 };

static void swap(int *a, int *b) {
  int other = *a;
  *a = *b;
  *b = other;
}

static void insertion_sort(int *first, int *end) {
  for (int *p = first + 1; p < end; p++) {
    int value = *p, *q = p;
    for (; q > first && q[-1] > value; q--) *q = q[-1];
    *q = value;
  }
}

static void quicksort(int *first, int *end) {
  while (end - first > SHORT) {
    int *middle = first + (end - first) / 2;
    if (*middle < *first) swap(middle, first);
    if (end[-1] < *first) swap(end - 1, first);
    if (end[-1] < *middle) swap(end - 1, middle);
    int pivot = *middle, *low = first, *high = end - 1;
    while (low <= high) {
      while (*low < pivot) low++;
      while (*high > pivot) high--;
      if (low <= high) swap(low++, high--);
    }
    if (high + 1 - first < end - low) {
      quicksort(first, high + 1);
      first = low;
    } else {
      quicksort(low, end);
      end = high + 1;
    }
  }
  insertion_sort(first, end);
}

static void sink(int *heap, int at, int count) {
  int value = heap[at];
  for (int child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && heap[child + 1] > heap[child]) child++;
    if (heap[child] <= value) break;
    heap[at] = heap[child];
  }
  heap[at] = value;
}

static void heapsort(int *numbers, int count) {
  for (int i = count / 2; i-- > 0;) sink(numbers, i, count);
  for (int last = count - 1; last > 0; last--) {
    swap(numbers, numbers + last);
    sink(numbers, 0, last);
  }
}

void compute(const char *input) {
  static int a[LIMIT], b[LIMIT];
  int count = parse_int(&input);
  if (count < 1 || count > LIMIT) {
    print_string("expected a number from 1 to 512\n");
    return;
  }
  uint32_t random = 2026, checksum = 0;
  for (int i = 0; i < count; i++) {
    random = random * 1664525 + 1013904223;
    a[i] = b[i] = (int)random >> 8;
  }
  quicksort(a, a + count);
  heapsort(b, count);
  for (int i = 0; i < count; i++) {
    checksum = checksum * 31 + (uint32_t)a[i];
    if (i % 16 == 0) printf("%d\n", a[i]);
  }
  printf("%u%s\n", checksum, memcmp(a, b, sizeof *a * (size_t)count) ? " WRONG" : "");
}
