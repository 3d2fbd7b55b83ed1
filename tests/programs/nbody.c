/* Bodies that attract each other: the sun's planets after so many steps. Input: the number of steps.
 * Prints the energy before and after, and every place, as the bits of an f64.
 */
enum { BODIES = 4 };

typedef struct {
  double at[3], speed[3], mass;
} Body;

static Body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 39.5},
    {{4.84, -1.16, -0.104}, {0.606, 2.81, -0.0252}, 0.0377},
    {{8.34, 4.12, -0.404}, {-1.01, 1.82, 0.00842}, 0.0113},
    {{12.9, -15.1, -0.223}, {1.08, 0.868, -0.0108}, 0.00172},
};

static void print_bits(double value) {
  printf("%016llx\n", (union {
                        double number;
                        unsigned long long bits;
                      }){value}
                          .bits);
}

static double energy(void) {
  double sum = 0;
  for (Body* a = bodies; a < bodies + BODIES; a++) {
    double square = a->speed[0] * a->speed[0] + a->speed[1] * a->speed[1] + a->speed[2] * a->speed[2];
    sum += 0.5 * a->mass * square;
    for (Body* b = a + 1; b < bodies + BODIES; b++) {
      double distance = 0;
      for (int i = 0; i < 3; i++) distance += (a->at[i] - b->at[i]) * (a->at[i] - b->at[i]);
      sum -= a->mass * b->mass / __builtin_sqrt(distance);
    }
  }
  return sum;
}

static void step(double time) {
  for (Body* a = bodies; a < bodies + BODIES; a++)
    for (Body* b = a + 1; b < bodies + BODIES; b++) {
      double way[3], square = 0;
      for (int i = 0; i < 3; i++) {
        way[i] = a->at[i] - b->at[i];
        square += way[i] * way[i];
      }
      double force = time / (square * __builtin_sqrt(square));
      for (int i = 0; i < 3; i++) {
        a->speed[i] -= way[i] * b->mass * force;
        b->speed[i] += way[i] * a->mass * force;
      }
    }
  for (Body* a = bodies; a < bodies + BODIES; a++)
    for (int i = 0; i < 3; i++) a->at[i] += time * a->speed[i];
}

void compute(const char* input) {
  print_bits(energy());
  for (int steps = parse_int(&input); steps > 0; steps--) step(0.01);
  print_bits(energy());
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) print_bits(bodies[i].at[k]);
}
