/* Assigns n workers to n jobs at the least total cost: the Hungarian method with potentials.
 *
 * Input: n and then the n x n costs, row by row, e.g. "3  4 1 3  2 0 5  3 2 2".
 *
 * Every worker has a potential u, every job a potential v, with u + v <= cost everywhere; pairs with equality are
 * "tight" and only they are ever matched.  Workers come in one by one.  A new worker grows a tree of tight pairs;
 * where it cannot grow, the potentials move by the least slack, until a free job is reached; then the
 * pairs along the path change over.
 */
enum { LIMIT = 12, FAR = 1000000000 };

static int cost[LIMIT + 1][LIMIT + 1];
static int u[LIMIT + 1], v[LIMIT + 1]; /* potentials of workers and jobs, from 1 */
static int worker_of[LIMIT + 1];       /* job -> worker; [0] is the worker who comes in */
static int before[LIMIT + 1];          /* job -> job before it on the path */
static int slack[LIMIT + 1];
static char reached[LIMIT + 1];

static void show(const char *text, int number) {
  print_string(text);
  print_int(number);
}

static void place(int worker, int n) {
  worker_of[0] = worker;
  for (int j = 0; j <= n; j++) slack[j] = FAR, reached[j] = 0;
  int job = 0;
  show("worker ", worker);
  print_string(" comes in\n");
  do {
    int from = worker_of[job], delta = FAR, next = 0;
    reached[job] = 1;
    const int *row = cost[from];
    for (int j = 1; j <= n; j++) {
      if (reached[j]) continue;
      int reduced = row[j] - u[from] - v[j];
      if (reduced < slack[j]) slack[j] = reduced, before[j] = job;
      if (slack[j] < delta) delta = slack[j], next = j;
    }
    if (delta) {
      show("  no tight pair left: potentials move by ", delta);
      putchar('\n');
      for (int j = 0; j <= n; j++) {
        if (reached[j]) u[worker_of[j]] += delta, v[j] -= delta;
        else slack[j] -= delta;
      }
    }
    show("  job ", next);
    show(" is tight for worker ", from);
    if (worker_of[next]) show(", but taken by worker ", worker_of[next]);
    putchar('\n');
    job = next;
  } while (worker_of[job]);
  while (job) {
    int previous = before[job];
    worker_of[job] = worker_of[previous];
    show("  worker ", worker_of[job]);
    show(" takes job ", job);
    putchar('\n');
    job = previous;
  }
}

void compute(const char *input) {
  int n = parse_int(&input), total = 0;
  if (n < 1 || n > LIMIT) {
    print_string("expected a size from 1 to 12, then the costs\n");
    return;
  }
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= n; j++) cost[i][j] = parse_int(&input);
  for (int i = 1; i <= n; i++) place(i, n);
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= n; j++)
      if (worker_of[j] == i) {
        show("worker ", i);
        show(" -> job ", j);
        show(", cost ", cost[i][j]);
        putchar('\n');
        total += cost[i][j];
      }
  show("total cost ", total);
  putchar('\n');
}
